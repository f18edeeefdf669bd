;; Attack: Answers the last bytes of its memory.
;; Must: answer.
(module
  (memory (export "memory") 8)
  (func (export "switchyard_abi_1"))
  (func (export "input") (param i32) (result i32) (i32.const 0x10000))
  (func (export "describe") (result i64) (i64.const 0x0000_0100_0000_0040))
  (func (export "configure") (param i32) (result i64) (i64.const 0x0000_0040_0000_0001))
  (func (export "score") (param i32) (result i64)
    (local $size i32)
    (local.set $size (i32.add (i32.const 48) (i32.shl (i32.load offset=4 (i32.const 0x10000)) (i32.const 3))))
    (local.set $size (i32.sub (i32.const 0x8_0000) (local.get $size)))
    (i32.store (local.get $size) (i32.const 0x30_0000))
    (i32.store offset=4 (local.get $size) (i32.load offset=4 (i32.const 0x10000)))
    (i64.or (i64.shl (i64.extend_i32_u (local.get $size)) (i64.const 32)) (i64.extend_i32_u (i32.sub
    (i32.const 0x8_0000) (local.get $size)))))
  (data (i32.const 0x100)
    "{\22abi\22:1,\22kind\22:\22strategy\22,\22name\22:\22output-at-end\22,\22version\22:\221\22}"))
