// <form data-passkey="create" data-options="…JSON…"> makes a passkey, <form data-passkey="get" data-options-url="…">
// shows one; both put it into their [data-credential] field and are sent then. What goes wrong is said in the
// form's [data-passkey-note]. [data-passkey-only] parts are shown where the browser knows passkeys at all.
const supported = "PublicKeyCredential" in window && "credentials" in navigator;

const toBytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
const toText = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

const descriptors = (list) => (list ?? []).map((entry) => ({ ...entry, id: toBytes(entry.id) }));

async function make({ publicKey }) {
  const made = await navigator.credentials.create({
    publicKey: {
      ...publicKey,
      challenge: toBytes(publicKey.challenge),
      user: { ...publicKey.user, id: toBytes(publicKey.user.id) },
      excludeCredentials: descriptors(publicKey.excludeCredentials),
    },
  });
  return {
    clientDataJSON: toText(made.response.clientDataJSON),
    attestationObject: toText(made.response.attestationObject),
    transports: made.response.getTransports?.() ?? [],
    of: made,
  };
}

async function show({ publicKey }) {
  const shown = await navigator.credentials.get({
    publicKey: {
      ...publicKey,
      challenge: toBytes(publicKey.challenge),
      allowCredentials: descriptors(publicKey.allowCredentials),
    },
  });
  return {
    clientDataJSON: toText(shown.response.clientDataJSON),
    authenticatorData: toText(shown.response.authenticatorData),
    signature: toText(shown.response.signature),
    userHandle: shown.response.userHandle && toText(shown.response.userHandle),
    of: shown,
  };
}

function packed({ of: credential, ...response }) {
  return JSON.stringify({
    id: credential.id,
    rawId: toText(credential.rawId),
    type: credential.type,
    clientExtensionResults: credential.getClientExtensionResults(),
    response,
  });
}

async function optionsOf(form) {
  if (form.dataset.options) return JSON.parse(form.dataset.options);
  const token = form.querySelector("[name=csrfmiddlewaretoken]").value;
  const answer = await fetch(form.dataset.optionsUrl, { method: "POST", headers: { "X-CSRFToken": token } });
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.message);
  return body;
}

const WORDS = {
  NotAllowedError: "No passkey was chosen, or it took too long. Try again.",
  AbortError: "No passkey was chosen. Try again.",
  InvalidStateError: "This device keeps a passkey for you already. Use it, or choose another device.",
  SecurityError: "Passkeys do not work at this address. Open the server by its name over HTTPS; on this machine, as localhost.",
  NotSupportedError: "This device cannot make a passkey that asks for your finger, face or PIN.",
};

function tell(form, words) {
  const note = form.querySelector("[data-passkey-note]");
  note.hidden = false;
  note.textContent = words;
}

async function begin(button) {
  const form = button.form;
  if (!supported) {
    tell(form, "This browser has no passkeys, or the page did not come over HTTPS.");
    return;
  }
  button.setAttribute("aria-busy", "true");
  try {
    const options = await optionsOf(form);
    const credential = form.dataset.passkey === "create" ? await make(options) : await show(options);
    form.querySelector("[data-credential]").value = packed(credential);
    form.requestSubmit();
  } catch (error) {
    button.removeAttribute("aria-busy");
    tell(form, WORDS[error.name] ?? (error.message || "The server could not be reached. Try again."));
  }
}

if (supported) for (const part of document.querySelectorAll("[data-passkey-only]")) part.hidden = false;

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-passkey] button[type=submit]");
  if (!button) return;
  event.preventDefault();
  if (button.getAttribute("aria-busy") !== "true" && button.form.reportValidity()) begin(button);
});
