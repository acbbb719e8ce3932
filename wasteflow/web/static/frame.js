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
