// Progress of an upload without reloading, a file dropped on its field, one press of a button.
(function () {
  "use strict";
  function live() { return document.querySelector("[data-live]"); }
  function look() {
    fetch(location.href, { credentials: "same-origin" })
      .then(function (answer) {
        if (!answer.ok) throw new Error(String(answer.status));
        return answer.text();
      })
      .then(function (text) {
        var made = new DOMParser().parseFromString(text, "text/html").querySelector("[data-live]");
        if (!made) { location.reload(); return; }
        live().replaceWith(document.importNode(made, true));
        setTimeout(look, 1500);
      })
      .catch(function () {
        var lost = live().querySelector("[data-lost]");
        if (lost) lost.hidden = false;
        setTimeout(look, 5000);
      });
  }
  if (live()) setTimeout(look, 1000);

  document.querySelectorAll("[data-drop]").forEach(function (zone) {
    var field = zone.querySelector("input[type=file]");
    ["dragenter", "dragover"].forEach(function (name) {
      zone.addEventListener(name, function (event) { event.preventDefault(); zone.classList.add("over"); });
    });
    ["dragleave", "drop"].forEach(function (name) {
      zone.addEventListener(name, function () { zone.classList.remove("over"); });
    });
    zone.addEventListener("drop", function (event) {
      event.preventDefault();
      if (event.dataTransfer.files.length) field.files = event.dataTransfer.files;
    });
  });
  document.querySelectorAll("form[data-once]").forEach(function (form) {
    form.addEventListener("submit", function () {
      form.querySelectorAll("button[type=submit]").forEach(function (button) {
        setTimeout(function () { button.disabled = true; }, 0);
      });
    });
  });
  window.addEventListener("pageshow", function () {
    document.querySelectorAll("form[data-once] button[type=submit]").forEach(function (button) { button.disabled = false; });
  });
})();
