//! Reads our own pages: their links, forms and tables, as a browser would find them.

use std::collections::BTreeMap;

/// One tag of a page, with the text up to the next one.
#[derive(Debug, Clone)]
struct Tag {
    /// Such as `form` and `/form`.
    name: String,
    attributes: BTreeMap<String, String>,
    text: String,
}

impl Tag {
    fn get(&self, attribute: &str) -> String {
        self.attributes.get(attribute).cloned().unwrap_or_default()
    }

    fn has(&self, attribute: &str) -> bool {
        self.attributes.contains_key(attribute)
    }
}

fn tags(html: &str) -> Vec<Tag> {
    html.split('<').skip(1).filter_map(tag).collect()
}

/// `name attribute="value" attribute>text`; a `>` inside a value is written as an entity.
fn tag(source: &str) -> Option<Tag> {
    let (inside, text) = source.split_once('>')?;
    let (name, mut rest) = inside.split_once(' ').unwrap_or((inside, ""));
    let mut attributes = BTreeMap::new();
    loop {
        rest = rest.trim_start_matches([' ', '/']);
        let end = rest.find(['=', ' ']).unwrap_or(rest.len());
        if rest.is_empty() {
            break;
        }
        let (attribute, after) = rest.split_at(end);
        let quoted = after.strip_prefix("=\"").and_then(|after| after.split_once('"'));
        let (value, after) = quoted.unwrap_or(("", after));
        attributes.insert(attribute.to_owned(), unescaped(value));
        rest = after;
    }
    Some(Tag { name: name.to_owned(), attributes, text: unescaped(text) })
}

pub fn unescaped(text: &str) -> String {
    let mut text = text.replace("&amp;", "&#38;");
    for (entity, sign) in [("&#34;", "\""), ("&#39;", "'"), ("&#60;", "<"), ("&#62;", ">")] {
        text = text.replace(entity, sign);
    }
    text.replace("&#38;", "&")
}

/// Every address that the page names: links, forms, style, script and icon.
pub fn addresses(html: &str) -> Vec<String> {
    let named = ["href", "action", "formaction", "src"];
    let of = |tag: Tag| named.into_iter().filter_map(move |name| tag.attributes.get(name).cloned());
    tags(html).into_iter().flat_map(of).collect()
}

/// Where the page's links lead, in their order.
pub fn ordered_links(html: &str) -> Vec<String> {
    let anchors = tags(html).into_iter().filter(|tag| tag.name == "a");
    anchors.map(|tag| tag.get("href")).collect()
}

/// Where the page's links lead, each once.
pub fn links(html: &str) -> Vec<String> {
    let mut links = ordered_links(html);
    links.sort();
    links.dedup();
    links
}

/// The address of the link of this relation, such as `next`.
pub fn link(html: &str, rel: &str) -> Option<String> {
    let found = tags(html).into_iter().find(|tag| tag.name == "a" && tag.get("rel") == rel);
    found.map(|tag| tag.get("href"))
}

/// The cells of each row of the page's tables, as text.
pub fn rows(html: &str) -> Vec<Vec<String>> {
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut is_body = false;
    for tag in tags(html) {
        match tag.name.as_str() {
            "tbody" => is_body = true,
            "/tbody" => is_body = false,
            "tr" if is_body => rows.push(Vec::new()),
            "th" | "td" if is_body => rows.last_mut().expect("a row").push(String::new()),
            _ => {}
        }
        let cell = rows.last_mut().filter(|_| is_body).and_then(|row| row.last_mut());
        if let Some(cell) = cell {
            *cell += tag.text.trim_matches('\n');
        }
    }
    for cell in rows.iter_mut().flatten() {
        *cell = cell.trim().to_owned();
    }
    rows
}

/// A form and the ways to submit it.
#[derive(Debug, Clone, Default)]
pub struct Form {
    pub method: String,
    pub action: String,
    /// What is sent as the page has it: hidden, typed and ticked.
    pub fields: Vec<(String, String)>,
    /// What else can be ticked.
    pub unticked: Vec<(String, String)>,
    /// Lists with their values; the chosen one stands first.
    pub choices: Vec<(String, Vec<String>)>,
    /// Each button's address, if it has one of its own, name and value.
    buttons: Vec<(String, String, String)>,
}

/// The page's forms in their order.
pub fn forms(html: &str) -> Vec<Form> {
    let mut forms: Vec<Form> = Vec::new();
    let mut is_open = false;
    for tag in tags(html) {
        match tag.name.as_str() {
            "form" => {
                is_open = true;
                let (method, action) = (tag.get("method"), tag.get("action"));
                forms.push(Form { method, action, ..Form::default() });
            }
            "/form" => is_open = false,
            _ if is_open => forms.last_mut().expect("a form").take(&tag),
            _ => {}
        }
    }
    forms
}

/// The page's form that leads there.
pub fn form_to(html: &str, action: &str) -> Option<Form> {
    forms(html).into_iter().find(|form| form.action == action)
}

impl Form {
    fn take(&mut self, tag: &Tag) {
        let field = (tag.get("name"), tag.get("value"));
        match tag.name.as_str() {
            "input" if field.0.is_empty() => {}
            "input" if tag.get("type") == "checkbox" && !tag.has("checked") => {
                self.unticked.push(field);
            }
            "input" => self.fields.push(field),
            "select" => self.choices.push((field.0, Vec::new())),
            "option" if tag.has("value") && self.choices.is_empty() => {}
            "option" => {
                let value = if tag.has("value") { field.1 } else { tag.text.trim().to_owned() };
                let (_, values) = self.choices.last_mut().expect("a list");
                let at = if tag.has("selected") { 0 } else { values.len() };
                values.insert(at, value);
            }
            "button" if tag.get("type") == "submit" => {
                self.buttons.push((tag.get("formaction"), field.0, field.1));
            }
            _ => {}
        }
    }

    /// The value of a field, as the page has it.
    pub fn value(&self, name: &str) -> Option<&str> {
        let field = self.fields.iter().find(|field| field.0 == name);
        field.map(|(_, value)| value.as_str())
    }

    /// Each way to submit it: address and fields, for each button, each choice and each tick.
    pub fn submissions(&self) -> Vec<(String, Vec<(String, String)>)> {
        let mut ways = Vec::new();
        for (action, name, value) in &self.buttons {
            let action = if action.is_empty() { &self.action } else { action };
            let mut as_it_is = self.fields.clone();
            if !name.is_empty() {
                as_it_is.push((name.clone(), value.clone()));
            }
            let chosen = |others: &str| {
                let first = self.choices.iter().filter(|(name, _)| name != others);
                let first = first.filter_map(|(name, values)| {
                    values.first().map(|value| (name.clone(), value.clone()))
                });
                [as_it_is.clone(), first.collect()].concat()
            };
            ways.push((action.clone(), chosen("")));
            for (name, values) in &self.choices {
                for value in values.iter().skip(1) {
                    let choice = vec![(name.clone(), value.clone())];
                    ways.push((action.clone(), [chosen(name), choice].concat()));
                }
            }
            for tick in &self.unticked {
                ways.push((action.clone(), [chosen(""), vec![tick.clone()]].concat()));
            }
        }
        ways
    }
}
