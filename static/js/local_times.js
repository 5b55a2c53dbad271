// Beside times in UTC, the same ones on this device's clock: <time datetime data-local-time> and the options of
// <select data-local-times>, whose values are times of a day in UTC.
const clock = new Intl.DateTimeFormat(undefined, { hour: "numeric", minute: "2-digit" });
const dayAndClock = new Intl.DateTimeFormat(undefined, { weekday: "short", hour: "numeric", minute: "2-digit" });

function complete(root) {
  for (const time of root.querySelectorAll("time[data-local-time]")) {
    delete time.dataset.localTime;
    time.append(` (${dayAndClock.format(new Date(time.dateTime))} local time)`);
  }
  for (const select of root.querySelectorAll("select[data-local-times]")) {
    delete select.dataset.localTimes;
    for (const option of select.options) {
      const [hours, minutes] = option.value.split(":").map(Number);
      if (Number.isNaN(minutes) || minutes === undefined) continue;
      const moment = new Date();
      moment.setUTCHours(hours, minutes, 0, 0);
      option.append(` (${clock.format(moment)})`);
    }
  }
}

complete(document);
document.addEventListener("htmx:afterSwap", (event) => complete(event.target.parentElement ?? document));
