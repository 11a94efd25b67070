// Chooses the theme before the page is drawn: the one that was chosen here, else the system's.
(function () {
  "use strict";
  try {
    var theme = localStorage.getItem("keymint-theme");
    if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
  } catch (error) {
    // Storage is switched off: the system's theme it is.
  }
})();
