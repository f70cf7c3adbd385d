//! The imports, under the names and with the types the host gives them.

#[link(wasm_import_module = "env")]
unsafe extern "C" {
    pub fn proxy_log(level: u32, text: *const u8, text_len: usize) -> u32;
    pub fn proxy_get_header_map_pairs(map: u32, out: *mut *mut u8, out_len: *mut usize) -> u32;
    pub fn proxy_replace_header_map_value(
        map: u32,
        name: *const u8,
        name_len: usize,
        value: *const u8,
        value_len: usize,
    ) -> u32;
    pub fn proxy_remove_header_map_value(map: u32, name: *const u8, name_len: usize) -> u32;
    pub fn proxy_get_property(path: *const u8, path_len: usize, out: *mut *mut u8, out_len: *mut usize) -> u32;
    pub fn proxy_set_property(path: *const u8, path_len: usize, value: *const u8, value_len: usize) -> u32;
    pub fn proxy_get_buffer_bytes(buffer: u32, start: usize, len: usize, out: *mut *mut u8, out_len: *mut usize)
    -> u32;
    pub fn proxy_get_shared_data(
        key: *const u8,
        key_len: usize,
        out: *mut *mut u8,
        out_len: *mut usize,
        cas: *mut u32,
    ) -> u32;
    pub fn proxy_set_shared_data(key: *const u8, key_len: usize, value: *const u8, value_len: usize, cas: u32) -> u32;
    pub fn proxy_register_shared_queue(name: *const u8, name_len: usize, queue: *mut u32) -> u32;
    pub fn proxy_resolve_shared_queue(
        vm_id: *const u8,
        vm_id_len: usize,
        name: *const u8,
        name_len: usize,
        queue: *mut u32,
    ) -> u32;
    pub fn proxy_enqueue_shared_queue(queue: u32, value: *const u8, value_len: usize) -> u32;
    pub fn proxy_dequeue_shared_queue(queue: u32, out: *mut *mut u8, out_len: *mut usize) -> u32;
    pub fn proxy_define_metric(kind: u32, name: *const u8, name_len: usize, metric: *mut u32) -> u32;
    pub fn proxy_increment_metric(metric: u32, by: i64) -> u32;
    pub fn proxy_record_metric(metric: u32, value: u64) -> u32;
    pub fn proxy_call_foreign_function(
        name: *const u8,
        name_len: usize,
        arguments: *const u8,
        arguments_len: usize,
        out: *mut *mut u8,
        out_len: *mut usize,
    ) -> u32;
    pub fn proxy_set_tick_period_milliseconds(period: u32) -> u32;
    pub fn proxy_set_effective_context(context: u32) -> u32;
    pub fn proxy_http_call(
        cluster: *const u8,
        cluster_len: usize,
        headers: *const u8,
        headers_len: usize,
        body: *const u8,
        body_len: usize,
        trailers: *const u8,
        trailers_len: usize,
        timeout_ms: u32,
        token: *mut u32,
    ) -> u32;
    pub fn proxy_send_local_response(
        status: u32,
        details: *const u8,
        details_len: usize,
        body: *const u8,
        body_len: usize,
        headers: *const u8,
        headers_len: usize,
        grpc_status: i32,
    ) -> u32;
}

#[link(wasm_import_module = "wasi_snapshot_preview1")]
unsafe extern "C" {
    pub fn random_get(out: *mut u8, len: usize) -> u16;
    pub fn environ_sizes_get(count: *mut usize, size: *mut usize) -> u16;
    pub fn environ_get(places: *mut *mut u8, bytes: *mut u8) -> u16;
    pub fn clock_time_get(clock: u32, precision: u64, out: *mut u64) -> u16;
}
