// Fetches the parts of a page that follow it, one after the other, and puts them into their slots.
(function () {
  "use strict";
  var addresses = {};
  document.querySelectorAll("template[data-part]").forEach(function (item) {
    addresses[item.dataset.part] = item.dataset.address;
  });

  function slots(part) {
    return Array.prototype.slice.call(document.querySelectorAll('[data-of="' + part + '"]'));
  }
  function state(part, failed) {
    slots(part).forEach(function (slot) {
      var box = slot.querySelector(".waiting");
      if (!box) return;
      box.setAttribute("aria-busy", failed ? "false" : "true");
      box.querySelector(".waiting-words").hidden = failed;
      box.querySelector(".waiting-failed").hidden = !failed;
    });
  }
  function fill(text) {
    var made = new DOMParser().parseFromString(text, "text/html");
    var found = made.querySelectorAll("[data-slot]");
    if (!found.length) throw new Error("no slot");
    found.forEach(function (slot) {
      var place = document.querySelector('[data-slot="' + slot.dataset.slot + '"]');
      if (place) place.replaceWith(document.importNode(slot, true));
    });
    document.dispatchEvent(new Event("wasteflow:filled"));
  }
  function load(part) {
    state(part, false);
    return fetch(addresses[part], { credentials: "same-origin" })
      .then(function (answer) {
        if (!answer.ok) throw new Error(String(answer.status));
        return answer.text();
      })
      .then(fill)
      .catch(function () { state(part, true); });
  }

  document.addEventListener("click", function (event) {
    var button = event.target.closest("[data-retry]");
    if (button) load(button.dataset.retry);
  });
  Object.keys(addresses).reduce(function (before, part) {
    return before.then(function () { return load(part); });
  }, Promise.resolve());
})();
