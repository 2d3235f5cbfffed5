//! STUB until the store has these: removed with the merge.
use crate::alert::AlertId;
use crate::store::{Result, Store};
use jiff::Timestamp;
#[derive(Debug, Clone)]
pub struct KeptMail {
    pub number: u32,
    pub received_at: Timestamp,
    pub from: String,
    pub subject: String,
    pub recipients: Vec<String>,
    pub new_text: String,
    pub quoted: String,
    pub cut: bool,
}
pub struct RuleUse {
    pub rule: String,
    pub mails: u64,
    pub last_at: Timestamp,
}
pub trait Awaited {
    fn mails(&mut self, _: AlertId) -> Result<Vec<KeptMail>> {
        Ok(Vec::new())
    }
    fn rule_uses(&mut self) -> Result<Vec<RuleUse>> {
        Ok(Vec::new())
    }
    fn signing_key(&mut self, draw: &mut dyn FnMut() -> u128) -> Result<[u8; 32]> {
        let mut k = [0; 32];
        k[..16].copy_from_slice(&draw().to_be_bytes());
        k[16..].copy_from_slice(&draw().to_be_bytes());
        Ok(k)
    }
}
impl Awaited for dyn Store + '_ {}
