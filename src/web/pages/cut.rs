//! As much of a list as its page has room for, and the way to the rest.

use super::{
    AccountPermission, AccountRole, Record, SessionLine,
    admin::{GrantLine, UserLine},
    admin_roles::{HolderLine, Removable, RoleLine, TreeLine},
};

/// What a list may take of its page: so many lines, with texts of so many bytes.
#[derive(Clone, Copy)]
pub struct Room {
    pub lines: usize,
    pub bytes: usize,
}

impl Room {
    /// Takes away the lines that do not fit, of which the first is none; says whether there were
    /// any. Texts stay whole: where they are long, a page shows fewer lines.
    pub fn cut<T: Weigh>(self, lines: &mut Vec<T>) -> bool {
        let mut left = Some(self.bytes);
        let fits = |line: &&T| {
            left = left.and_then(|left| left.checked_sub(line.weight()));
            left.is_some()
        };
        let fitting = lines.iter().take(self.lines).take_while(fits).count().max(1);
        let has_more = lines.len() > fitting;
        lines.truncate(fitting);
        has_more
    }
}

/// A part of a list, and how much of it there is besides.
pub struct Cut<T> {
    pub shown: Vec<T>,
    /// How many come before and after those shown.
    pub skipped: usize,
    pub more: usize,
    /// Key of the last line shown, after which the rest begins.
    pub next: String,
}

impl<T> Cut<T> {
    /// The first so many, where the rest is seen on another page.
    pub fn first(items: impl IntoIterator<Item = T>, most: usize) -> Self {
        let mut items = items.into_iter();
        let shown = items.by_ref().take(most).collect();
        Self { shown, skipped: 0, more: items.count(), next: String::new() }
    }

    /// As many as there is room for after the one with the key `start`; empty: from the first.
    pub fn after<S>(
        start: &str,
        items: &[S],
        key: impl Fn(&S) -> String,
        room: Room,
        line: impl FnMut(&S) -> T,
    ) -> Self
    where
        T: Weigh,
    {
        let skipped = match items.iter().position(|item| key(item) == start) {
            Some(at) => at + 1,
            // It is gone: a list in the order of keys goes on where it was.
            None if items.is_sorted_by_key(&key) => {
                items.partition_point(|item| key(item).as_str() <= start)
            }
            None => 0,
        };
        let skipped = if skipped < items.len() { skipped } else { 0 };
        let rest = &items[skipped..];
        let mut shown: Vec<T> = rest.iter().take(room.lines).map(line).collect();
        room.cut(&mut shown);
        let last = shown.len().checked_sub(1).and_then(|last| rest.get(last));
        Self {
            skipped,
            more: rest.len() - shown.len(),
            next: last.map(key).unwrap_or_default(),
            shown,
        }
    }

    pub fn is_empty(&self) -> bool {
        self.shown.is_empty()
    }

    /// How many there are, shown or not.
    pub fn total(&self) -> usize {
        self.skipped + self.shown.len() + self.more
    }
}

/// How many bytes the texts of a line take on its page, each as often as it is written there.
pub trait Weigh {
    fn weight(&self) -> usize;
}

/// Bytes of these texts in HTML.
fn bytes(texts: &[&str]) -> usize {
    let byte = |byte: u8| if matches!(byte, b'<' | b'>' | b'&' | b'"' | b'\'') { 5 } else { 1 };
    texts.iter().flat_map(|text| text.bytes()).map(byte).sum()
}

impl Weigh for String {
    fn weight(&self) -> usize {
        bytes(&[self])
    }
}

impl Weigh for Cut<String> {
    fn weight(&self) -> usize {
        self.shown.iter().map(Weigh::weight).sum()
    }
}

impl Weigh for AccountRole {
    fn weight(&self) -> usize {
        2 * bytes(&[&self.name]) + bytes(&[&self.description, &self.origin, &self.reason])
    }
}

impl Weigh for AccountPermission {
    fn weight(&self) -> usize {
        self.name.weight() + 2 * self.through.weight()
    }
}

impl Weigh for SessionLine {
    fn weight(&self) -> usize {
        2 * bytes(&[&self.username, &self.device]) + self.address.weight()
    }
}

impl Weigh for Record {
    fn weight(&self) -> usize {
        let changes = self.changes.iter();
        let changes = changes.map(|(label, before, after)| bytes(&[label, before, after]));
        bytes(&[&self.actor, &self.what, &self.address]) + changes.sum::<usize>()
    }
}

impl Weigh for GrantLine {
    fn weight(&self) -> usize {
        5 * bytes(&[&self.role]) + bytes(&[&self.by, &self.reason])
    }
}

impl Weigh for HolderLine {
    fn weight(&self) -> usize {
        bytes(&[&self.username, &self.by, &self.reason])
    }
}

impl Weigh for Removable {
    fn weight(&self) -> usize {
        4 * self.name.weight()
    }
}

impl Weigh for TreeLine {
    fn weight(&self) -> usize {
        4 * self.name.weight()
    }
}

impl Weigh for UserLine {
    fn weight(&self) -> usize {
        let email = self.email.as_deref().unwrap_or_default();
        bytes(&[&self.username, &self.display_name, email]) + self.roles.weight()
    }
}

impl Weigh for RoleLine {
    fn weight(&self) -> usize {
        let lists = self.permissions.weight() + self.includes.weight();
        2 * self.name.weight() + self.description.weight() + lists
    }
}
