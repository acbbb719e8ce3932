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
// A page on its way: after 300 ms a bar, after 8 s what to do; without a network nothing is sent.
(function () {
  "use strict";
  var told = document.body.dataset, bar = null, timers = [];
  function stop() {
    timers.forEach(clearTimeout);
    timers = [];
    if (bar) bar.remove();
    bar = null;
  }
  function show(words, whole) {
    if (!bar) {
      bar = document.createElement("div");
      bar.setAttribute("role", "status");
      bar.appendChild(document.createElement("i"));
      bar.appendChild(document.createElement("span"));
      document.body.appendChild(bar);
    }
    bar.className = whole ? "progress progress-words" : "progress";
    bar.firstChild.hidden = Boolean(whole && words === told.cut);
    bar.lastChild.textContent = words;
  }
  function start() {
    stop();
    timers = [
      setTimeout(function () { show(told.waiting); }, 300),
      setTimeout(function () { show(told.slow, true); }, 8000),
      setTimeout(stop, 60000)
    ];
  }
  function offline(event) {
    if (navigator.onLine !== false) return false;
    event.preventDefault();
    stop();
    show(told.cut, true);
    timers = [setTimeout(stop, 12000)];
    return true;
  }
  document.addEventListener("click", function (event) {
    var link = event.target.closest("a[href]");
    if (!link || event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    if (link.hasAttribute("download") || (link.target && link.target !== "_self") || link.origin !== window.location.origin) return;
    if (link.hash && link.pathname === window.location.pathname && link.search === window.location.search) return;
    if (/[?&]format=|\.(xlsx|csv|json|zip|gpkg|geojson)$/.test(link.pathname + link.search)) return;
    if (!offline(event)) start();
  });
  document.addEventListener("submit", function (event) {
    if (!event.defaultPrevented && !offline(event)) start();
  });
  window.addEventListener("pageshow", stop);
  document.addEventListener("keydown", function (event) { if (event.key === "Escape") stop(); });
})();
// Heads of tables stay in sight: `fits` under the window, `over` in a box that scrolls both ways.
(function () {
  "use strict";
  if (!window.ResizeObserver) return;
  function measure(box) {
    var table = box.querySelector(":scope > table");
    if (!table || !box.clientWidth) return;
    box.classList.remove("fits", "over"); // a box without a bar of its own grows with its table
    var wide = box.scrollWidth > box.clientWidth + 1;
    box.classList.toggle("fits", !wide);
    box.classList.toggle("over", wide);
  }
  var watch = new ResizeObserver(function (found) {
    found.forEach(function (item) { measure(item.target); });
  });
  function all() {
    document.querySelectorAll(".scroll").forEach(function (box) { watch.observe(box); });
  }
  all();
  document.addEventListener("wasteflow:filled", all);
})();
// In a row of links wider than the screen the page one is on stands in sight.
(function () {
  "use strict";
  document.querySelectorAll(".work-nav .wide, .tabs").forEach(function (row) {
    var here = row.querySelector("[aria-current]");
    if (here && row.scrollWidth > row.clientWidth) row.scrollLeft = here.offsetLeft - (row.clientWidth - here.offsetWidth) / 2;
  });
})();
