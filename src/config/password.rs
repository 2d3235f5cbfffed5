//! A password as the rule file has it: an argon2id hash, never the password itself. Made by `thialfi passwd`.

use std::fmt;

use argon2::password_hash::{CustomizedPasswordHasher, PasswordVerifier, phc};
use argon2::{Algorithm, Argon2, Params, Version};
use secrecy::{ExposeSecret, SecretString};

/// What hashing may cost: a rule file must not be able to hang the server, or to take all of its memory.
const MOST_MEMORY: u32 = 256 * 1024;
const MOST_PASSES: u32 = 10;
const MOST_LANES: u32 = 4;

/// Stands for the hash of a user that there is not: random bytes, of which nobody knows a password.
const NOBODYS: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$fBCk6S2HA3ERK0I7rP3BdA$M4E+6y9fzV38S3gT7FuWfReiFWCwjOd/4+1hFDgfsrM";

/// The hash of a password, with the parameters that it was made with.
#[derive(Clone)]
pub struct PasswordHash(SecretString);

/// What a text is that is no hash of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoHash {
    /// Something else altogether, perhaps the password itself.
    #[error("is no argon2id hash")]
    Other,
    /// Right, but verifying it would take too much.
    #[error("is a hash that costs too much to verify (at most m=262144, t=10, p=4)")]
    Expensive,
}

impl PasswordHash {
    /// Reads `$argon2id$v=19$m=…,t=…,p=…$salt$hash`.
    ///
    /// # Errors
    /// When it is something else, or verifying it would take too much.
    pub fn parse(text: &str) -> Result<Self, NoHash> {
        let hash = phc::PasswordHash::new(text).map_err(|_| NoHash::Other)?;
        let is_ours = hash.algorithm.as_str() == Algorithm::Argon2id.as_str()
            && hash.version == Some(Version::V0x13.into())
            && hash.salt.is_some()
            && hash.hash.is_some();
        let parameters = Params::try_from(&hash).map_err(|_| NoHash::Other)?;
        let dear =
            parameters.m_cost() > MOST_MEMORY || parameters.t_cost() > MOST_PASSES || parameters.p_cost() > MOST_LANES;
        match (is_ours, dear) {
            (false, _) => Err(NoHash::Other),
            (true, true) => Err(NoHash::Expensive),
            (true, false) => Ok(Self(SecretString::from(text))),
        }
    }

    /// The hash of a password: argon2id with the parameters that OWASP's *Password Storage Cheat Sheet* names first
    /// (19 MiB, two passes, one lane). `salt`: 16 random bytes.
    pub fn make(password: &str, salt: [u8; 16]) -> Option<Self> {
        let hash: phc::PasswordHash =
            Argon2::default().hash_password_with_params(password.as_bytes(), &salt, Params::default()).ok()?;
        Some(Self(SecretString::from(hash.to_string())))
    }

    /// The hash that is verified for users that there are not, so that it takes as long as for those that there are.
    pub fn of_nobody() -> Self {
        Self(SecretString::from(NOBODYS))
    }

    /// Whether it is the hash of this password. Takes some 20 to 50 ms and 19 MiB, or what its parameters say.
    pub fn verify(&self, password: &str) -> bool {
        phc::PasswordHash::new(self.0.expose_secret())
            .is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
    }

    /// The text of the rule file.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

/// Not for logs: it can be guessed at.
impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_verifies_its_password_and_no_other() {
        let hash = PasswordHash::make("correct horse", [7; 16]).unwrap();
        assert!(hash.expose().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", hash.expose());
        let read = PasswordHash::parse(hash.expose()).unwrap();
        assert!(read.verify("correct horse"));
        assert!(!read.verify("correct hors") && !read.verify("correct horse ") && !read.verify(""));
        assert!(!format!("{read:?}").contains("argon2"));
        assert_ne!(PasswordHash::make("correct horse", [8; 16]).unwrap().expose(), hash.expose());
    }

    /// By the reference implementation: `echo -n password | argon2 somesalt1 -id -t 2 -k 65536 -p 1 -e` has this form; the
    /// vector is that of the `argon2` crate's own tests, from there.
    #[test]
    fn hashes_of_other_programs_verify() {
        let other = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
        assert!(PasswordHash::parse(other).unwrap().verify("password"));
        assert!(!PasswordHash::parse(other).unwrap().verify("Password"));
    }

    #[test]
    fn nobodys_hash_is_one_and_costs_what_a_real_one_does() {
        let nobody = PasswordHash::of_nobody();
        let parameters = |hash: &PasswordHash| hash.expose().split('$').nth(3).unwrap().to_owned();
        assert!(PasswordHash::parse(nobody.expose()).is_ok());
        assert_eq!(parameters(&nobody), parameters(&PasswordHash::make("correct horse", [7; 16]).unwrap()));
        assert!(!nobody.verify("") && !nobody.verify("nobody"));
    }

    #[test]
    fn what_is_no_hash_or_too_dear_is_refused() {
        let with = |parameters: &str| {
            let text = format!("$argon2id$v=19${parameters}$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc");
            PasswordHash::parse(&text).map(|_| ())
        };
        assert_eq!(with("m=262144,t=10,p=4"), Ok(()));
        for dear in ["m=262145,t=1,p=1", "m=4294967295,t=1,p=1", "m=19456,t=11,p=1", "m=19456,t=2,p=5"] {
            assert_eq!(with(dear), Err(NoHash::Expensive), "{dear}");
        }
        for other in [
            "",
            "hunter2",
            "$2b$12$K3JNi5xUQEppzVMWnZdmnu2bJH.JZbJvX1fZ5wCEGDvPqZqvUeZqO",
            "$argon2i$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
            "$argon2id$v=16$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
            "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ",
            "$argon2id$v=19$m=65536,t=2,p=1",
            "$argon2id$v=19$m=99999999999,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
        ] {
            assert_eq!(PasswordHash::parse(other).map(|_| ()), Err(NoHash::Other), "{other}");
        }
    }
}
