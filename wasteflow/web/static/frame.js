// The frame: an open menu closes by Escape or by a click beside it; "/" goes to the search.
(function () {
  "use strict";
  function menus() {
    return Array.prototype.slice.call(document.querySelectorAll("details.menu[open], details.file-menu[open]"));
  }
  document.addEventListener("click", function (event) {
    menus().forEach(function (menu) {
      if (!menu.contains(event.target)) menu.open = false;
    });
  });
  document.addEventListener("keydown", function (event) {
    if (event.key === "Escape") {
      menus().forEach(function (menu) {
        menu.open = false;
        menu.querySelector("summary").focus();
      });
    }
    var at = document.activeElement;
    var typing = at && (/^(INPUT|SELECT|TEXTAREA)$/.test(at.tagName) || at.isContentEditable);
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      var box = document.getElementById("find");
      if (box && box.offsetParent) {
        event.preventDefault();
        box.focus();
      }
    }
  });
})();
// What was typed outlives an ended session or an error: kept in this tab, for the same person only,
// from the moment a form is sent until its page comes again. No password, no file, no token.
(function () {
  "use strict";
  var KEY = "wasteflow.typed", LONGEST = 30 * 60 * 1000, keep = document.body.dataset.keep === "1";
  function here() { return window.location.pathname + window.location.search; }
  function who() {
    var name = document.querySelector(".who-name");
    return name ? name.textContent.trim() : "";
  }
  function store(entry) {
    try {
      if (entry) window.sessionStorage.setItem(KEY, JSON.stringify(entry));
      else window.sessionStorage.removeItem(KEY);
    } catch (error) { /* a browser without storage types again */ }
  }
  function read() {
    try { return JSON.parse(window.sessionStorage.getItem(KEY)); } catch (error) { return null; }
  }
  function typed(field) {
    return field.name && !/^(password|file|hidden|submit|button|image)$/.test(field.type);
  }
  document.addEventListener("submit", function (event) {
    var form = event.target;
    if (form.querySelector(".who-out")) { store(null); return; }
    if (keep || form.method !== "post" || event.defaultPrevented) return;
    var fields = Array.prototype.filter.call(form.elements, typed).map(function (field) {
      return [field.name, field.value, Boolean(field.checked)];
    });
    store({ path: here(), action: form.getAttribute("action"), who: who(), fields: fields, at: Date.now(), lost: false });
  });
  function fill(form, fields) {
    Array.prototype.filter.call(form.elements, typed).forEach(function (field) {
      for (var i = 0; i < fields.length; i += 1) {
        var choice = /^(checkbox|radio)$/.test(field.type);
        if (fields[i][0] !== field.name || (choice && fields[i][1] !== field.value)) continue;
        if (choice) field.checked = fields[i][2];
        else field.value = fields[i][1];
        fields.splice(i, 1);
        field.dispatchEvent(new Event("change", { bubbles: true }));
        break;
      }
    });
    var note = document.createElement("p");
    note.className = "note restored";
    note.setAttribute("role", "status");
    note.textContent = document.body.dataset.restored;
    form.insertBefore(note, form.firstChild);
  }
  var entry = read();
  if (!entry) return;
  if (Date.now() - entry.at > LONGEST) { store(null); return; }
  if (keep) {
    entry.lost = true;
    store(entry);
    document.querySelectorAll("[data-kept]").forEach(function (note) { note.hidden = false; });
    return;
  }
  if (!entry.lost || entry.who !== who()) { store(null); return; }
  if (entry.path !== here()) return;
  store(null);
  Array.prototype.some.call(document.forms, function (form) {
    if (form.method !== "post" || form.getAttribute("action") !== entry.action) return false;
    fill(form, entry.fields);
    return true;
  });
})();
