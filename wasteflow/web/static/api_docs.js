// Draws the documentation of the API; the address of its description stands in the page.
"use strict";
window.ui = SwaggerUIBundle({
  dom_id: "#api",
  url: document.getElementById("api").dataset.url,
  deepLinking: true,
  displayRequestDuration: true,
  docExpansion: "none",
  filter: true,
  persistAuthorization: false,
  validatorUrl: null,
  onComplete: function () {
    // Swagger UI leaves the choice of servers without a name.
    var box = document.getElementById("api"), choice = document.getElementById("servers");
    if (choice) choice.setAttribute("aria-label", box.dataset.servers);
    box.dataset.ready = "1";
  },
});
