// What pages gain with scripts; everything works without them.

const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const exact = new Intl.DateTimeFormat(undefined, {
  dateStyle: "medium", timeStyle: "medium", timeZone: zone,
});
const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const UNITS = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];

function told(moment) {
  const seconds = (moment - Date.now()) / 1000;
  if (Math.abs(seconds) > 30 * 86400) return exact.format(moment);
  if (Math.abs(seconds) < 1) return "now";
  const [unit, size] = UNITS.find(([, size]) => Math.abs(seconds) >= size);
  return relative.format(Math.trunc(seconds / size), unit);
}

function tellTimes(root) {
  for (const time of root.querySelectorAll("time.when")) {
    const moment = new Date(time.dateTime);
    if (Number.isNaN(moment.getTime())) continue;
    time.textContent = told(moment);
    const full = `${exact.format(moment)} (${zone})`;
    time.dataset.exact = full;
    time.setAttribute("aria-label", `${time.textContent}, ${full}`);
    if (!time.closest("a, button, summary")) time.tabIndex = 0;
  }
}

function dark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

function switchTheme() {
  const next = dark() ? "light" : "dark";
  document.documentElement.dataset.theme = next;
  try { localStorage.setItem("tocsin-theme", next); } catch { /* only for this page then */ }
}

function typing(target) {
  return target.closest?.("input, textarea, select, [contenteditable]") !== null;
}

function moveRow(step) {
  const rows = [...document.querySelectorAll("[data-row]")];
  if (rows.length === 0) return;
  const at = rows.findIndex((row) => row.contains(document.activeElement));
  const row = rows[Math.min(rows.length - 1, Math.max(0, at + step))];
  (row.querySelector("a, summary") ?? row).focus();
  row.scrollIntoView({ block: "nearest" });
}

function onKey(event) {
  const search = document.querySelector("[data-search]");
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k" && search) {
    event.preventDefault();
    search.focus();
    search.select();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
  if (event.key === "/" && search) {
    event.preventDefault();
    search.focus();
  } else if (event.key === "j") moveRow(1);
  else if (event.key === "k") moveRow(-1);
}

// A click anywhere on a row opens its first link, unless text is being selected.
function onRowClick(event) {
  const row = event.target.closest?.("tr[data-row], li[data-row]");
  if (!row || event.target.closest("a, button, input, label, summary, time")) return;
  if (String(getSelection()) !== "") return;
  row.querySelector("a[href]")?.click();
}

// A form that was sent cannot be sent twice by an impatient finger.
function onSubmit(event) {
  if (event.defaultPrevented || event.target.method !== "post") return;
  const button = event.submitter;
  if (button) setTimeout(() => { button.disabled = true; });
}

// Times in forms are meant in the zone of whoever fills them in.
function fillZones(root) {
  for (const field of root.querySelectorAll("[data-zone]")) field.value = zone;
}

// On a phone the list comes first; its filters are one tap away.
function foldFilters() {
  if (!matchMedia("(max-width: 700px)").matches) return;
  for (const box of document.querySelectorAll("[data-filters]")) box.open = false;
}

// Addresses to be entered elsewhere are copied at a touch; without a clipboard they are selected.
function offerCopies() {
  for (const button of document.querySelectorAll("[data-copy]")) {
    const field = document.getElementById(button.dataset.copy);
    button.hidden = false;
    button.addEventListener("click", async () => {
      field.select();
      try {
        await navigator.clipboard.writeText(field.value);
        button.textContent = "Copied";
      } catch { button.textContent = "Selected"; }
    });
  }
}

function start() {
  tellTimes(document);
  fillZones(document);
  foldFilters();
  offerCopies();
  setInterval(() => tellTimes(document), 15000);
  const themes = document.querySelector("[data-theme-switch]");
  if (themes) {
    themes.hidden = false;
    themes.addEventListener("click", switchTheme);
  }
  document.addEventListener("keydown", onKey);
  document.addEventListener("click", onRowClick);
  document.addEventListener("submit", onSubmit);
  document.addEventListener("htmx:after:swap", () => {
    tellTimes(document);
    fillZones(document);
  });
  // Coming back by the browser's history, a page is as it was left, disabled buttons included.
  addEventListener("pageshow", () => {
    for (const button of document.querySelectorAll("button:disabled")) button.disabled = false;
  });
}

start();
