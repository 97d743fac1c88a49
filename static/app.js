// What the pages can do without.

// Showing a password while it is typed.
for (const button of document.querySelectorAll("button.reveal")) {
  const input = document.getElementById(button.getAttribute("aria-controls"));
  const show = (shown) => {
    input.type = shown ? "text" : "password";
    button.setAttribute("aria-pressed", shown);
  };
  button.hidden = false;
  button.addEventListener("click", () => show(input.type === "password"));
  // Browsers keep what was typed into text fields, so it leaves as a password.
  input.form.addEventListener("submit", () => show(false));
}

// Browsers may keep a page whole for the Back button, also past a logout: it leaves hidden, and
// is asked for again when it comes back.
addEventListener("pagehide", () => (document.body.hidden = true));
addEventListener("pageshow", (event) => event.persisted && location.reload());

// Copying a link that is shown once; needs a page that the browser trusts (https or loopback).
for (const button of document.querySelectorAll("button[data-copies]")) {
  if (!navigator.clipboard) break;
  const input = document.getElementById(button.dataset.copies);
  button.hidden = false;
  button.addEventListener("click", async () => {
    input.select();
    await navigator.clipboard.writeText(input.value);
    button.textContent = button.dataset.done;
  });
}
