//! A stream, and as much of what comes next as one wants to look at.

use std::io::{self, Read};

/// How much is read at once.
const CHUNK: usize = 256 * 1024;

/// A line longer than this comes in pieces.
const PIECE: usize = 64 * 1024;

/// A stream with a view of what comes next. Memory: what is looked at ahead, and [`CHUNK`].
pub(super) struct Window<R> {
    input: R,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    ended: bool,
    offset: u64,
}

impl<R: Read> Window<R> {
    pub fn new(input: R) -> Self {
        Self { input, buffer: Vec::new(), start: 0, end: 0, ended: false, offset: 0 }
    }

    /// How many bytes have been consumed.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// What comes next: at least `wanted` bytes, or all that is left.
    pub fn ahead(&mut self, wanted: usize) -> io::Result<&[u8]> {
        while self.end - self.start < wanted && !self.ended {
            self.make_room(wanted);
            let room = self.buffer.get_mut(self.end..).unwrap_or_default();
            match self.input.read(room) {
                Ok(0) => self.ended = true,
                Ok(length) => self.end += length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    // What has been read before it is still to be had.
                    self.ended = true;
                    return Err(error);
                }
            }
        }
        Ok(self.buffer.get(self.start..self.end).unwrap_or_default())
    }

    fn make_room(&mut self, wanted: usize) {
        if self.end < self.buffer.len() && self.buffer.len() - self.start >= wanted {
            return;
        }
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        let size = wanted.max(CHUNK);
        if self.buffer.len() < size {
            self.buffer.resize(size, 0);
        }
    }

    /// The next line with its LF, or the next piece of a long one; empty at the end.
    pub fn line(&mut self) -> io::Result<&[u8]> {
        let mut searched = 0;
        let length = loop {
            let ahead = self.ahead(searched + 1)?;
            let fresh = ahead.get(searched..).unwrap_or_default();
            if let Some(at) = fresh.iter().position(|byte| *byte == b'\n') {
                break searched + at + 1;
            }
            if fresh.is_empty() || ahead.len() >= PIECE {
                break ahead.len().min(PIECE);
            }
            searched = ahead.len();
        };
        Ok(self.buffer.get(self.start..self.start + length).unwrap_or_default())
    }

    /// Leaves the next `length` bytes behind; not more than have been looked at.
    pub fn consume(&mut self, length: usize) {
        let length = length.min(self.end - self.start);
        self.start += length;
        self.offset += length as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A stream that gives a byte at a time.
    struct Drip<'a>(&'a [u8]);

    impl Read for Drip<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let length = self.0.len().min(1);
            buffer[..length].copy_from_slice(&self.0[..length]);
            self.0 = &self.0[length..];
            Ok(length)
        }
    }

    fn lines(input: impl Read) -> Vec<usize> {
        let mut window = Window::new(input);
        let mut lengths = Vec::new();
        loop {
            let length = window.line().unwrap().len();
            if length == 0 {
                return lengths;
            }
            lengths.push(length);
            window.consume(length);
        }
    }

    #[test]
    fn lines_come_whole_however_the_stream_drips() {
        assert_eq!(lines(Drip(b"a\n\nbcd\r\nend")), [2, 1, 5, 3]);
        assert_eq!(lines(&b""[..]), [0; 0]);
    }

    #[test]
    fn a_line_without_end_comes_in_pieces() {
        let long = vec![b'x'; PIECE * 5 + 7];
        assert_eq!(lines(long.as_slice()), [PIECE, PIECE, PIECE, PIECE, PIECE, 7]);
    }

    #[test]
    fn looking_ahead_consumes_nothing() {
        let mut window = Window::new(&b"one\ntwo\n"[..]);
        assert_eq!(window.ahead(100).unwrap(), b"one\ntwo\n");
        assert_eq!(window.line().unwrap(), b"one\n");
        window.consume(4);
        assert_eq!((window.offset(), window.line().unwrap()), (4, &b"two\n"[..]));
    }
}
