// Comforts of the pages of loads; every page works without this file.
"use strict";
(() => {
  // A form that was sent is not sent again by an impatient second tap.
  for (const form of document.querySelectorAll("form[data-once]")) {
    form.addEventListener("submit", () => {
      setTimeout(() => {
        for (const button of form.querySelectorAll("button[type=submit]")) button.disabled = true;
      }, 0);
    });
  }
  addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    for (const button of document.querySelectorAll("form[data-once] button")) button.disabled = false;
  });
  // Routes of the chosen material only.
  const routes = document.querySelector("select[data-of]");
  const stuff = routes && document.getElementById(routes.dataset.of);
  if (routes && stuff) {
    const narrow = () => {
      const name = stuff.selectedOptions[0]?.value ? stuff.selectedOptions[0].text : "";
      for (const group of routes.querySelectorAll("optgroup")) {
        group.hidden = group.disabled = Boolean(name) && group.label !== name;
      }
      if (routes.selectedOptions[0]?.parentElement.disabled) routes.value = "";
    };
    stuff.addEventListener("change", narrow);
    narrow();
  }
  // Fields that the chosen kind of entry has, and routes that lead to it.
  const kind = document.querySelector("select[name=kind]");
  const parts = document.querySelectorAll("[data-kinds]");
  if (kind && parts.length) {
    const fit = () => {
      for (const part of parts) part.hidden = !part.dataset.kinds.split(" ").includes(kind.value);
      for (const option of document.querySelectorAll("option[data-kind]")) {
        option.hidden = option.disabled = option.dataset.kind !== kind.value;
      }
      const route = document.querySelector("select[name=route]");
      if (route?.selectedOptions[0]?.disabled) route.value = "";
    };
    kind.addEventListener("change", fit);
    fit();
  }
  // What only helps where no script runs.
  for (const plain of document.querySelectorAll("[data-plain]")) plain.hidden = true;
  // Tick all.
  const all = document.querySelector("input[data-all]");
  if (all) {
    all.hidden = false;
    all.nextElementSibling.hidden = false;
    all.addEventListener("change", () => {
      for (const box of document.querySelectorAll(`input[type=checkbox][name="${all.dataset.all}"]`)) box.checked = all.checked;
    });
  }
  // What is wrong is seen at once.
  const wrong = document.querySelector("main [aria-invalid=true]");
  if (wrong) wrong.focus();
  // An address with #decide opens what it names.
  const named = location.hash && document.getElementById(location.hash.slice(1));
  if (named && named.tagName === "DETAILS") named.open = true;
})();
