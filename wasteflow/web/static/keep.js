// Forms that keep what was typed: on this device until sent, through a lost network, against leaving.
"use strict";
(() => {
  const DAY = 24 * 3600 * 1000;
  const PREFIX = "wasteflow:";
  const SECRET = new Set(["csrf_token", "version"]);
  const store = {
    read(key) {
      try {
        const found = JSON.parse(localStorage.getItem(PREFIX + key));
        return found && Date.now() - found.at < DAY ? found.values : null;
      } catch { return null; }
    },
    write(key, values) {
      try { localStorage.setItem(PREFIX + key, JSON.stringify({ at: Date.now(), values })); } catch { /* full or forbidden: the form works without */ }
    },
    drop(key) { try { localStorage.removeItem(PREFIX + key); } catch { /* as above */ } },
  };
  const typedIn = (form) => {
    const values = {};
    for (const field of form.elements) {
      if (!field.name || field.type === "file" || field.type === "hidden" || field.type === "submit" || SECRET.has(field.name)) continue;
      if (field.type === "radio" && !field.checked) continue;
      if (field.value !== "") values[field.name] = field.value;
    }
    return values;
  };
  for (const mark of document.querySelectorAll("[data-sent]")) store.drop(mark.dataset.sent);

  for (const form of document.querySelectorAll("form[data-keep], form[data-guard]")) {
    const key = form.dataset.keep;
    const shown = form.querySelector("[aria-invalid=true]") || document.querySelector(".told-wrong");
    const changed = () => form.dataset.touched === "1";
    if (form.dataset.probe && !shown) {
      const held = store.read(key);
      let any = false;
      for (const [name, value] of Object.entries(held || {})) {
        const field = form.elements[name];
        if (field && "value" in field && field.value !== value && field.type !== "radio") { field.value = value; any = true; }
      }
      const told = form.querySelector("[data-restored]");
      if (any && told) told.hidden = false;
    }
    form.addEventListener("input", () => {
      form.dataset.touched = "1";
      if (form.dataset.probe) store.write(key, typedIn(form));
    });
    if (form.dataset.probe) watch(form);
    addEventListener("beforeunload", (event) => {
      if (changed() && !form.dataset.leaving) event.preventDefault();
    });
    form.addEventListener("submit", () => { if (!form.dataset.probe) form.dataset.leaving = "1"; });
  }

  // A form is sent only when the server answers; till then the page, and its photo, stay.
  function watch(form) {
    const button = form.querySelector("button[type=submit]");
    const words = button.textContent;
    const told = form.querySelector("[data-offline]");
    let waiting = false, timer = 0;
    const go = async () => {
      waiting = true;
      button.disabled = true;
      button.textContent = button.dataset.sending;
      if (await answers(form.dataset.probe)) {
        waiting = false;
        form.dataset.leaving = "1";
        HTMLFormElement.prototype.submit.call(form);
        return;
      }
      if (told) { told.hidden = false; told.scrollIntoView({ block: "nearest" }); }
      button.disabled = false;
      button.textContent = words;
      clearTimeout(timer);
      timer = setTimeout(again, 15000);
    };
    const again = () => { if (waiting) go(); };
    form.addEventListener("submit", (event) => { event.preventDefault(); event.stopImmediatePropagation(); if (!button.disabled) go(); }, true);
    addEventListener("online", again);
    addEventListener("pageshow", (event) => {
      if (!event.persisted) return;
      delete form.dataset.leaving;
      button.disabled = false;
      button.textContent = words;
    });
  }
  async function answers(address) {
    try {
      const answer = await fetch(address, { cache: "no-store", signal: AbortSignal.timeout(5000) });
      return answer.ok;
    } catch { return false; }
  }

  // How far the weight lies from what was dispatched, while it is typed.
  const gap = document.querySelector("[data-gap]");
  const weight = document.querySelector("input[name=received_t]");
  if (gap && weight && Number(gap.dataset.gap)) {
    const show = () => {
      const got = Number(weight.value.replace(/,/g, ""));
      const sent = Number(gap.dataset.gap);
      gap.hidden = !(weight.value.trim() && got > 0) || got === sent;
      const share = (got - sent) / sent * 100;
      gap.querySelector("b").textContent = `${share > 0 ? "+" : "−"}${Math.abs(share).toFixed(1)} %`;
      gap.classList.toggle("gate-gap-large", Math.abs(share) > 10);
    };
    weight.addEventListener("input", show);
    show();
  }

  // A photo from a phone is made smaller (2,000 pixels are enough to read a ticket) and shown.
  for (const input of document.querySelectorAll("input[data-shrink]")) {
    const place = document.getElementById(input.dataset.show || "");
    const show = async (file) => {
      if (!place) return;
      place.hidden = !file;
      if (!file) return;
      place.querySelector("span").textContent = `${file.name} · ${(file.size / 1e6).toFixed(file.size < 1e6 ? 2 : 1)} MB`;
      const canvas = place.querySelector("canvas");
      canvas.hidden = true;
      try {
        const picture = await createImageBitmap(file);
        const side = Math.min(picture.width, picture.height);
        canvas.getContext("2d").drawImage(picture, (picture.width - side) / 2, (picture.height - side) / 2, side, side, 0, 0, canvas.width, canvas.height);
        canvas.hidden = false;
      } catch { /* no picture: its name is told */ }
    };
    input.addEventListener("change", async () => {
      const file = input.files[0];
      show(file);
      if (!file || file.size < 1500000 || !file.type.startsWith("image/")) return;
      try {
        const picture = await createImageBitmap(file);
        const scale = Math.min(1, 2000 / Math.max(picture.width, picture.height));
        const canvas = document.createElement("canvas");
        canvas.width = Math.round(picture.width * scale);
        canvas.height = Math.round(picture.height * scale);
        canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
        const blob = await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.85));
        if (!blob || blob.size >= file.size) return;
        const box = new DataTransfer();
        box.items.add(new File([blob], file.name.replace(/\.\w+$/, "") + ".jpg", { type: "image/jpeg" }));
        input.files = box.files;
        show(box.files[0]);
      } catch { /* the picture goes as it is */ }
    });
  }

  // Another kind or firm has its own last entry; what was typed goes along.
  const jump = (address) => {
    const form = document.querySelector("form[data-guard]");
    const tonnes = form.elements.tonnes.value;
    form.dataset.leaving = "1";
    const goal = new URL(address, location.href);
    if (tonnes) sessionStorage.setItem(PREFIX + "tonnes", tonnes);
    location.assign(goal);
  };
  for (const one of document.querySelectorAll("input[data-goto]")) one.addEventListener("change", () => jump(one.dataset.goto));
  for (const list of document.querySelectorAll("select:has(option[data-goto])")) {
    list.addEventListener("change", () => jump(list.selectedOptions[0].dataset.goto));
  }
  const box = document.getElementById("l-tonnes");
  if (box) {
    const carried = sessionStorage.getItem(PREFIX + "tonnes");
    sessionStorage.removeItem(PREFIX + "tonnes");
    if (carried && !box.value) box.value = carried;
  }
  // Routes that the chosen material may take.
  const routes = document.querySelector("select[data-fits]");
  const stuff = routes && document.getElementById(routes.dataset.fits);
  if (routes && stuff) {
    const narrow = () => {
      for (const option of routes.options) {
        if (!option.value) continue;
        const fits = !stuff.value || option.dataset.materials.split(" ").includes(stuff.value);
        option.hidden = option.disabled = !fits;
      }
      if (routes.selectedOptions[0]?.disabled) routes.value = "";
    };
    stuff.addEventListener("change", narrow);
    narrow();
  }
})();
