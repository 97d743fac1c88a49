// The rules for the HTML of the pages: all that are recommended, with two exceptions.
module.exports = {
  root: true,
  extends: ["html-validate:recommended"],
  rules: {
    // Ticked boxes of one list are sent under one name, as buttons are by default.
    "form-dup-name": ["error", { shared: ["radio", "button", "reset", "submit", "checkbox"] }],
    // "Revoke ROLE from NAME?", each of 64 characters.
    "long-title": ["error", { maxlength: 155 }],
  },
};
