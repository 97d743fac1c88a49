//! An administrator makes a role, says what it may, and deletes it.

use crate::{program::PASSWORD, window::both_ways};

#[test]
fn a_role_is_made_described_filled_read_and_deleted() {
    both_ways(|program, way| {
        program.ok(&["role", "add", "reviewer"]);
        program.ok(&["role", "add", "press"]);
        for (name, role) in [("ada", "admin"), ("kim", "user")] {
            program.add_user(name, &[role]);
        }
        let server = program.serve(&[]);
        let admin = way.open(server.port);
        admin.log_in("ada", PASSWORD);
        admin.follow("Roles");
        admin.follow("Add role");
        admin.fill("Name", "Team Lead");
        admin.fill("Description", "Leads a team");
        admin.press("Add role");
        admin.sees("Use 1 to 64 small letters");
        assert_eq!(admin.value("Description"), "Leads a team", "what was typed is kept");
        admin.fill("Name", "team-lead");
        admin.press("Add role");
        admin.sees("The role is there. Give it permissions now.");
        admin.fill("Description", "Leads a team of authors");
        admin.press("Save changes");
        admin.sees("Saved.");
        assert_eq!(admin.value("Description"), "Leads a team of authors");

        admin.fill("Without use", "soon");
        admin.fill("In all", "8h");
        admin.press("Save limits");
        admin.sees("Write a length of time from 1m");
        assert_eq!(admin.value("In all"), "8h", "what was typed is kept");
        admin.fill("Without use", "15m");
        admin.press("Save limits");
        admin.sees("Saved.");
        assert_eq!(admin.value("Without use"), "15m");

        admin.fill("Add a permission", "Articles");
        admin.press_beside("Add a permission", "Add");
        admin.sees("Write a permission as noun:verb");
        assert_eq!(admin.value("Add a permission"), "Articles", "what was typed is kept");
        for permission in ["articles:read", "articles:write"] {
            admin.fill("Add a permission", permission);
            admin.press_beside("Add a permission", "Add");
            admin.sees(permission);
        }
        admin.follow("Remove… articles:read");
        admin.sees("Remove articles:read from the role team-lead?");
        admin.sees("Nobody has team-lead, so nobody loses articles:read.");
        admin.follow("Cancel");
        admin.follow("Remove… articles:read");
        admin.press("Remove");
        admin.sees("Saved.");
        assert!(!admin.shows("articles:read"));

        admin.choose("Include a role", "reviewer");
        admin.press_beside("Include a role", "Add");
        admin.choose("Add a grantor", "press");
        admin.press_beside("Add a grantor", "Add");
        admin.follow("Remove… user-manager");
        admin.sees("Remove the grantor user-manager of the role team-lead?");
        admin.press("Remove");
        admin.sees("Saved.");
        let role = program.json(&["role", "show", "team-lead"]);
        let said = ["permissions", "includes", "grantors"].map(|field| role[field].to_string());
        assert_eq!(said, [r#"["articles:write"]"#, r#"["reviewer"]"#, r#"["press"]"#]);
        admin.follow("Remove… reviewer");
        admin.sees("Remove reviewer from the role team-lead?");
        admin.press("Remove");
        admin.sees("No other role.");

        program.ok(&["grant", "kim", "team-lead", "--reason", "=since spring"]);
        admin.follow("Roles");
        admin.follow("team-lead");
        admin.sees("=since spring");
        let file = admin.download("Download as CSV", "team-lead-holders.csv");
        let row = file.lines().nth(1).unwrap();
        assert!(row.starts_with("kim,team-lead,20"), "{file}");
        assert!(row.contains("\"'=since spring\""), "no formula: {file}");

        admin.follow("Delete…");
        admin.sees("Delete the role team-lead?");
        admin.sees("1 user holds it and loses it at once: kim.");
        admin.sees("With it go these permissions: articles:write.");
        admin.press("Delete role");
        admin.sees("The role is deleted.");
        admin.sees("reviewer");
        assert!(!admin.shows("Leads a team"));
        assert_eq!(admin.complaints(), [""; 0]);
    });
}

#[test]
fn a_circle_of_roles_is_refused_and_named() {
    both_ways(|program, way| {
        for role in ["author", "editor", "chief"] {
            program.ok(&["role", "add", role]);
        }
        program.ok(&["role", "include", "chief", "editor"]);
        program.add_user("ada", &["admin"]);
        let server = program.serve(&[]);
        let admin = way.open(server.port);
        admin.log_in("ada", PASSWORD);
        // This page offers chief, as long as no circle would close.
        admin.visit("/admin/roles/author");
        admin.choose("Include a role", "chief");
        admin.open_tab();
        admin.visit("/admin/roles/editor");
        admin.choose("Include a role", "author");
        admin.press_beside("Include a role", "Add");
        admin.sees("Saved.");
        admin.look_at_tab(0);
        admin.press_beside("Include a role", "Add");
        admin.sees("author -> chief -> editor -> author");
        let author = program.json(&["role", "show", "author"]);
        assert_eq!(author["includes"].to_string(), "[]");
    });
}
