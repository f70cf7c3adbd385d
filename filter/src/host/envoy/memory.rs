//! The memory in which the host returns things.
//!
//! Every request has its headers returned, so one block stays for them instead of being freed and allocated anew.

use std::{
    alloc,
    cell::{Cell, RefCell},
    mem, ptr,
};

use super::Status;

/// The largest block that is kept, in bytes: Envoy's own limit on a request's headers is 60 KiB.
const KEPT_LIMIT: usize = 64 << 10;

thread_local! {
    /// The block that is free.
    static SPARE: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    /// The block that the host was given for what it is about to return, and how many bytes it has.
    static LENT: Cell<(*mut u8, usize)> = const { Cell::new((ptr::null_mut(), 0)) };
}

/// Memory for something the host is about to return. Null where there is none, which the host takes as a failed call.
pub fn allocate(size: usize) -> *mut u8 {
    let spare = SPARE.with(|spare| match spare.try_borrow_mut() {
        Ok(mut spare) if size > 0 && spare.capacity() >= size => mem::take(&mut *spare),
        _ => Vec::new(),
    });
    if spare.capacity() > 0 {
        let mut block = mem::ManuallyDrop::new(spare);
        LENT.set((block.as_mut_ptr(), block.capacity()));
        return block.as_mut_ptr();
    }
    match alloc::Layout::array::<u8>(size) {
        // SAFETY: the layout is not of size 0.
        Ok(layout) if size > 0 => unsafe { alloc::alloc(layout) },
        _ => ptr::null_mut(),
    }
}

/// Calls with the two places where the host puts what it returns, and takes that over.
pub(super) fn returned(call: impl FnOnce(*mut *mut u8, *mut usize) -> u32) -> Result<Vec<u8>, Status> {
    let (mut data, mut len) = (ptr::null_mut(), 0);
    Status::check(call(&mut data, &mut len))?;
    if data.is_null() || len == 0 {
        return Ok(Vec::new());
    }
    let (lent, capacity) = LENT.replace((ptr::null_mut(), 0));
    let capacity = if lent == data { capacity } else { len };
    // SAFETY: the host fills exactly the memory it had from `allocate`, asks for it once for each value it returns,
    // and keeps no pointer to it. It is a block of `capacity` bytes, of which `len` are filled.
    Ok(unsafe { Vec::from_raw_parts(data, len, capacity) })
}

/// Takes back what [`returned`] gave, for the next call.
pub fn give_back(block: Vec<u8>) {
    SPARE.with(|spare| {
        if let Ok(mut spare) = spare.try_borrow_mut()
            && (spare.capacity()..=KEPT_LIMIT).contains(&block.capacity())
        {
            *spare = block;
        }
    });
}
