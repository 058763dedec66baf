//! The Hugging Face tokenizers crate behind a C interface. See tokenizer.hpp for the C++ side and its promises.
//! No panic crosses the border: each entry catches it and reports it as an error text.

use std::os::raw::c_char;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::slice;

use tokenizers::tokenizer::{
    EncodeInput, InputSequence, Tokenizer, TruncationDirection, TruncationParams, TruncationStrategy,
};

pub struct Handle {
    tokenizer: Tokenizer,
    ids: Vec<u32>,
    types: Vec<u32>,
    ends: Vec<usize>,
    error: String,
}

/// One encoded row; `ends` are where its tokens end in their text, in bytes, 0 of special ones. The pointers stay valid
/// until the next call on the same handle.
#[repr(C)]
pub struct Row {
    ids: *const u32,
    types: *const u32,
    ends: *const usize,
    count: usize,
    truncated: bool,
}

unsafe fn text<'a>(bytes: *const u8, length: usize) -> Result<&'a str, String> {
    std::str::from_utf8(slice::from_raw_parts(bytes, length)).map_err(|e| format!("text is not UTF-8: {e}"))
}

fn open(bytes: &[u8], max_length: usize, cut_left: bool) -> Result<Tokenizer, String> {
    let mut tokenizer = Tokenizer::from_bytes(bytes).map_err(|e| e.to_string())?;
    tokenizer.with_padding(None);
    tokenizer
        .with_truncation(Some(TruncationParams {
            direction: if cut_left { TruncationDirection::Left } else { TruncationDirection::Right },
            max_length,
            strategy: TruncationStrategy::LongestFirst,
            stride: 0,
        }))
        .map_err(|e| e.to_string())?;
    Ok(tokenizer)
}

fn write_text(message: &str, out: *mut c_char, capacity: usize) {
    if capacity == 0 {
        return;
    }
    let kept = message.len().min(capacity - 1);
    unsafe {
        std::ptr::copy_nonoverlapping(message.as_ptr(), out as *mut u8, kept);
        *out.add(kept) = 0;
    }
}

/// Reads a tokenizer.json held in memory; rows longer than `max_length` lose their end, or their beginning where
/// `cut_left`. Returns null and writes the reason when it cannot be used.
///
/// # Safety
/// `bytes` must point to `length` readable bytes, `error` to `capacity` writable ones.
#[no_mangle]
pub unsafe extern "C" fn peftgrid_tokenizer_open(
    bytes: *const u8,
    length: usize,
    max_length: usize,
    cut_left: bool,
    error: *mut c_char,
    capacity: usize,
) -> *mut Handle {
    let json = slice::from_raw_parts(bytes, length);
    match catch_unwind(AssertUnwindSafe(|| open(json, max_length, cut_left))) {
        Ok(Ok(tokenizer)) => {
            let (ids, types, ends) = (Vec::new(), Vec::new(), Vec::new());
            Box::into_raw(Box::new(Handle { tokenizer, ids, types, ends, error: String::new() }))
        }
        Ok(Err(reason)) => {
            write_text(&reason, error, capacity);
            std::ptr::null_mut()
        }
        Err(_) => {
            write_text("the tokenizers library gave up on it", error, capacity);
            std::ptr::null_mut()
        }
    }
}

/// Encodes one text, or a pair where `second` is not null, with special tokens where `special`, longest part truncated
/// first. Returns false and keeps the reason (peftgrid_tokenizer_error) on failure.
///
/// # Safety
/// `handle` must come from peftgrid_tokenizer_open; the texts must be readable for their lengths.
#[no_mangle]
pub unsafe extern "C" fn peftgrid_tokenizer_encode(
    handle: *mut Handle,
    first: *const u8,
    first_length: usize,
    second: *const u8,
    second_length: usize,
    special: bool,
    row: *mut Row,
) -> bool {
    let handle = &mut *handle;
    let outcome = catch_unwind(AssertUnwindSafe(|| -> Result<_, String> {
        let a = InputSequence::from(text(first, first_length)?);
        let input = if second.is_null() {
            EncodeInput::Single(a)
        } else {
            EncodeInput::Dual(a, InputSequence::from(text(second, second_length)?))
        };
        handle.tokenizer.encode(input, special).map_err(|e| e.to_string())
    }));
    match outcome {
        Ok(Ok(encoding)) => {
            handle.ids.clear();
            handle.ids.extend_from_slice(encoding.get_ids());
            handle.types.clear();
            handle.types.extend_from_slice(encoding.get_type_ids());
            handle.ends.clear();
            handle.ends.extend(encoding.get_offsets().iter().map(|(_, end)| end));
            *row = Row {
                ids: handle.ids.as_ptr(),
                types: handle.types.as_ptr(),
                ends: handle.ends.as_ptr(),
                count: handle.ids.len(),
                truncated: !encoding.get_overflowing().is_empty(),
            };
            true
        }
        Ok(Err(reason)) => {
            handle.error = reason;
            false
        }
        Err(_) => {
            handle.error = "the tokenizers library gave up on this text".to_string();
            false
        }
    }
}

/// Number of entries of the vocabulary, without the tokens that were added to it.
///
/// # Safety
/// `handle` must come from peftgrid_tokenizer_open.
#[no_mangle]
pub unsafe extern "C" fn peftgrid_tokenizer_vocabulary_size(handle: *const Handle) -> usize {
    (*handle).tokenizer.get_vocab_size(false)
}

/// Copies the names of up to `most` tokens whose ids are `first` or more, the smallest id first, one a line. Returns how
/// many there are.
///
/// # Safety
/// `handle` must come from peftgrid_tokenizer_open; `names` must hold `capacity` writable bytes.
#[no_mangle]
pub unsafe extern "C" fn peftgrid_tokenizer_tokens_from(
    handle: *const Handle,
    first: u32,
    most: usize,
    names: *mut c_char,
    capacity: usize,
) -> usize {
    let vocabulary = (*handle).tokenizer.get_vocab(true);
    let mut beyond: Vec<(u32, String)> = vocabulary.into_iter().map(|(token, id)| (id, token)).collect();
    beyond.retain(|(id, _)| *id >= first);
    beyond.sort();
    let shown: Vec<&str> = beyond.iter().take(most).map(|(_, token)| token.as_str()).collect();
    write_text(&shown.join("\n"), names, capacity);
    beyond.len()
}

/// Copies the reason of the last failed call.
///
/// # Safety
/// `handle` must come from peftgrid_tokenizer_open; `error` must hold `capacity` writable bytes.
#[no_mangle]
pub unsafe extern "C" fn peftgrid_tokenizer_error(handle: *const Handle, error: *mut c_char, capacity: usize) {
    write_text(&(*handle).error, error, capacity);
}

/// # Safety
/// `handle` must come from peftgrid_tokenizer_open and not be used again.
#[no_mangle]
pub unsafe extern "C" fn peftgrid_tokenizer_close(handle: *mut Handle) {
    drop(Box::from_raw(handle));
}
