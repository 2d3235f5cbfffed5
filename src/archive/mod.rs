//! Mail archives: Maildirs, mboxes of all four kinds, folders of mails, single files and standard input, read one mail
//! after the other in little memory, by as many threads as there are cores. It knows nothing of rules.

mod crew;
mod from_line;
mod mbox;
mod search;
mod when;
mod window;

pub use crew::{Mail, Tally, Trouble, read};
pub use from_line::is_from_line;
pub use mbox::{Mbox, Piece};
pub use search::{File, Found, Kind, search};
pub use when::{date, when};
