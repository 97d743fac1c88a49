//! A terminal that a test reads.

use std::{
    fs::{File, OpenOptions},
    io::Read,
    os::fd::AsFd,
    process::Stdio,
    thread::JoinHandle,
};

use rustix::{
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{Winsize, tcsetwinsize},
};

pub struct Terminal {
    /// Where programs write.
    theirs: File,
    reader: JoinHandle<String>,
}

impl Terminal {
    /// With lines of so many characters.
    pub fn new(columns: u16) -> Self {
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&ours).unwrap();
        unlockpt(&ours).unwrap();
        let name = ptsname(&ours, Vec::new()).unwrap().into_string().unwrap();
        let theirs = OpenOptions::new().read(true).write(true).open(name).unwrap();
        let size = Winsize { ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(theirs.as_fd(), size).unwrap();
        // As it comes: whoever writes more than it holds would wait.
        let reader = std::thread::spawn(move || {
            let mut read = Vec::new();
            // When nobody writes any more, reading fails.
            let _ = File::from(ours).read_to_end(&mut read);
            String::from_utf8(read).unwrap()
        });
        Self { theirs, reader }
    }

    pub fn stdio(&self) -> Stdio {
        self.theirs.try_clone().unwrap().into()
    }

    /// All that was written to it, once nobody does any more.
    pub fn read(self) -> String {
        drop(self.theirs);
        self.reader.join().unwrap()
    }
}
