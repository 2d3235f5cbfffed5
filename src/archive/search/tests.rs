use super::*;

const MAIL: &str = "Subject: x\n\ntext\n";
const MBOX: &str = "From a@b.example Mon Nov  2 02:00:00 2026\nSubject: x\n\ntext\n";

fn write(root: &Path, name: &str, text: &[u8]) {
    let path = root.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn found(root: &Path, paths: &[&str]) -> (Vec<(String, Kind)>, Found) {
    let paths: Vec<PathBuf> = paths.iter().map(|path| root.join(path)).collect();
    let found = search(&paths);
    let names = found.files.iter().map(|file| {
        let name = file.path.strip_prefix(root).unwrap_or(&file.path);
        (name.to_string_lossy().into_owned(), file.kind)
    });
    (names.collect(), found)
}

#[test]
fn a_maildir_gives_cur_and_new_of_all_its_folders_and_nothing_else() {
    let root = tempfile::tempdir().unwrap();
    for name in ["m/cur/1.a:2,S", "m/new/2.b", "m/.Sent/cur/3.c", "m/sub/deep/new/4.d"] {
        write(root.path(), name, MAIL.as_bytes());
    }
    for name in ["m/tmp/5.e", "m/cur/.hidden", "m/dovecot-uidlist"] {
        write(root.path(), name, MAIL.as_bytes());
    }
    let (files, _) = found(root.path(), &["m"]);
    let expected = ["m/cur/1.a:2,S", "m/new/2.b", "m/.Sent/cur/3.c", "m/sub/deep/new/4.d"];
    assert_eq!(files, expected.map(|name| (name.to_owned(), Kind::Maildir)));
}

#[test]
fn a_folder_gives_what_looks_like_mail() {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), "f/a.eml", b"\xff");
    write(root.path(), "f/b/17", MAIL.as_bytes());
    write(root.path(), "f/b/notes.txt", b"Things to do\n");
    write(root.path(), "f/b/.17", MAIL.as_bytes());
    write(root.path(), "f/inbox", MBOX.as_bytes());
    let (files, found) = found(root.path(), &["f"]);
    let expected = [("f/a.eml", Kind::Mail), ("f/inbox", Kind::Mbox), ("f/b/17", Kind::Mail)];
    assert_eq!(files, expected.map(|(name, kind)| (name.to_owned(), kind)));
    assert_eq!(found.passed_over, 2);
}

#[test]
fn what_is_named_is_read_and_what_is_missing_or_packed_is_told() {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), "notes.txt", b"Things to do\n");
    write(root.path(), "old.gz", b"\x1f\x8b\x08");
    let (files, found) = found(root.path(), &["notes.txt", "old.gz", "gone"]);
    assert_eq!(files, [("notes.txt".to_owned(), Kind::Mail)]);
    let troubles: Vec<&str> = found.troubles.iter().map(|trouble| trouble.what.as_str()).collect();
    assert!(troubles[0].contains("`zcat ") && troubles[1].contains("No such file"), "{troubles:?}");
}

#[test]
fn links_that_lead_back_are_followed_once() {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), "f/a.eml", MAIL.as_bytes());
    std::os::unix::fs::symlink(root.path().join("f"), root.path().join("f/again")).unwrap();
    let (files, _) = found(root.path(), &["f"]);
    assert_eq!(files.len(), 1);
}
