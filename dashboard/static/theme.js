// Before the first paint: the theme somebody has chosen. Without a choice the system's applies.
(() => {
  try {
    const chosen = localStorage.getItem("tocsin-theme");
    if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
  } catch { /* storage is switched off */ }
})();
