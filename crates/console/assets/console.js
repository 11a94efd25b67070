// Small scripts of the console. Every page works without them.
(function () {
  "use strict";

  var root = document.documentElement;

  function all(selector, within) {
    return Array.prototype.slice.call((within || document).querySelectorAll(selector));
  }

  // Tells what happened, also to those who do not see it.
  function tell(text) {
    var toast = document.querySelector("[data-toast]");
    if (!toast) return;
    toast.textContent = text;
    toast.classList.add("on");
    clearTimeout(tell.timer);
    tell.timer = setTimeout(function () {
      toast.classList.remove("on");
      toast.textContent = "";
    }, 4000);
  }

  // Instants in the reader's zone.
  var full = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });
  var short = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

  function localize(within) {
    all("time", within).forEach(function (element) {
      var at = new Date(element.dateTime);
      if (isNaN(at)) return;
      element.title = full.format(at) + " (" + element.dateTime + ")";
      if (element.dataset.time === "date") element.textContent = short.format(at);
    });
  }

  // The theme: as the system, light, dark.
  var THEMES = ["system", "light", "dark"];

  function theme() {
    return root.dataset.theme || "system";
  }

  function nameTheme(button) {
    var texts = { system: "as the system", light: "light", dark: "dark" };
    button.setAttribute("aria-label", "Theme: " + texts[theme()]);
    button.title = "Theme: " + texts[theme()];
  }

  all("[data-theme-switch]").forEach(function (button) {
    button.hidden = false;
    nameTheme(button);
    button.addEventListener("click", function () {
      var next = THEMES[(THEMES.indexOf(theme()) + 1) % THEMES.length];
      if (next === "system") delete root.dataset.theme;
      else root.dataset.theme = next;
      try {
        if (next === "system") localStorage.removeItem("keymint-theme");
        else localStorage.setItem("keymint-theme", next);
      } catch (error) {
        // The choice holds for this page alone.
      }
      nameTheme(button);
      tell("Theme: " + next);
    });
  });

  // The slash leads to the search.
  document.addEventListener("keydown", function (event) {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
    var at = document.activeElement;
    if (at && /^(INPUT|TEXTAREA|SELECT)$/.test(at.tagName)) return;
    var search = document.querySelector("[data-search]");
    if (!search) return;
    event.preventDefault();
    search.focus();
    search.select();
  });

  // Copying and downloading.
  all("[data-copy]").forEach(function (button) {
    if (!navigator.clipboard) return;
    button.hidden = false;
    button.addEventListener("click", function () {
      var source = document.getElementById(button.dataset.copy);
      navigator.clipboard.writeText(source.textContent).then(
        function () {
          tell(button.dataset.copied || "It is copied.");
        },
        function () {
          getSelection().selectAllChildren(source);
          tell("The browser does not allow it. The text is selected: copy it yourself.");
        }
      );
    });
  });

  all("[data-download]").forEach(function (button) {
    button.hidden = false;
    button.addEventListener("click", function () {
      var text = document.getElementById(button.dataset.from).textContent;
      var address = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
      var link = document.createElement("a");
      link.href = address;
      link.download = button.dataset.download;
      link.click();
      setTimeout(function () {
        URL.revokeObjectURL(address);
      }, 1000);
    });
  });

  // A page with a secret warns whoever leaves it, and is never shown again by Back.
  var secret = document.querySelector("[data-secret-page]");
  var isSaved = false;

  function warn(event) {
    if (isSaved) return;
    event.preventDefault();
    event.returnValue = "";
  }

  if (secret) {
    addEventListener("beforeunload", warn);
    all("[data-done]").forEach(function (form) {
      form.addEventListener("submit", function (event) {
        // In the place of this page, so that Back leads to the one before it.
        event.preventDefault();
        isSaved = true;
        location.replace(form.action);
      });
    });
    addEventListener("pagehide", function () {
      all("[data-secret]").forEach(function (element) {
        element.textContent = "";
      });
    });
  }

  addEventListener("pageshow", function (event) {
    if (!event.persisted) return;
    isSaved = true;
    if (secret) location.replace(secret.dataset.after);
    else location.reload();
  });

  // A form is sent once, however often its button is pressed. The server sees to that, too, so that the form can be sent again
  // after a while: whoever has stopped it has got no answer.
  all("form[data-once]").forEach(function (form) {
    form.addEventListener("submit", function (event) {
      if (form.dataset.sent) return event.preventDefault();
      form.dataset.sent = "yes";
      setTimeout(function () {
        delete form.dataset.sent;
      }, 5000);
    });
  });

  // A form that is the only way on is sent at once. Its button does the same without scripts.
  all("form[data-auto]").forEach(function (form) {
    form.requestSubmit();
  });

  // The address of a filter names what is set, and nothing else.
  all("form[data-lean]").forEach(function (form) {
    form.addEventListener("formdata", function (event) {
      Array.from(event.formData.keys()).forEach(function (name) {
        if (!event.formData.get(name)) event.formData.delete(name);
      });
    });
  });

  // Whoever sent a form with problems is led to them.
  all("[data-focus]").forEach(function (element) {
    element.focus();
  });

  // An entered number of days is a choice.
  all(".custom input:not([type=radio])").forEach(function (input) {
    input.addEventListener("input", function () {
      var radio = input.closest(".custom").querySelector("input[type=radio]");
      if (radio) radio.checked = true;
    });
  });

  // A part of a page is replaced by that of another address, in its place. What is not as expected is left to the browser,
  // which goes to the address. Nothing is kept: Back loads the page before anew.
  var under;

  function replacePart(id, address) {
    if (under) under.abort();
    under = new AbortController();
    fetch(address, { redirect: "manual", signal: under.signal })
      .then(function (answer) {
        if (!answer.ok) throw new Error(answer.status);
        return answer.text();
      })
      .then(function (html) {
        var part = new DOMParser().parseFromString(html, "text/html").getElementById(id);
        var old = document.getElementById(id);
        var at = old.contains(document.activeElement) ? document.activeElement.href : "";
        old.replaceWith(part);
        all("a", part).forEach(function (link) {
          if (link.href === at) link.focus();
        });
        history.replaceState({ part: id }, "");
        history.pushState({ part: id }, "", address);
        localize(part);
        var news = part.querySelector("[role=status], [role=alert]");
        if (news) tell((news.querySelector("h2") || news).textContent);
      })
      .catch(function (error) {
        if (error.name !== "AbortError") location.assign(address);
      });
  }

  addEventListener("popstate", function (event) {
    if (event.state && event.state.part) location.reload();
  });

  all("form[data-part]").forEach(function (form) {
    var timer;

    function search() {
      clearTimeout(timer);
      var query = new URLSearchParams(new FormData(form)).toString();
      replacePart(form.dataset.part, form.action + (query && "?" + query));
    }

    form.addEventListener("submit", function (event) {
      event.preventDefault();
      search();
    });
    form.addEventListener("input", function (event) {
      clearTimeout(timer);
      if (event.target.matches("[data-search]")) timer = setTimeout(search, 250);
    });
    form.addEventListener("change", function (event) {
      if (!event.target.matches("[data-search]")) search();
    });
  });

  document.addEventListener("click", function (event) {
    var link = event.target.closest("a[data-part]");
    if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    replacePart(link.dataset.part, link.href);
  });

  localize();
})();
