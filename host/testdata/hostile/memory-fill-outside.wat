;; Attack: Fills past the end of its memory.
;; Must: trap before a byte is written.
(module
  (memory (export "memory") 8)
  (func (export "switchyard_abi_1"))
  (func (export "input") (param i32) (result i32) (i32.const 0x10000))
  (func (export "describe") (result i64) (i64.const 0x0000_0100_0000_0046))
  (func (export "configure") (param i32) (result i64) (i64.const 0x0000_0040_0000_0001))
  (func (export "score") (param i32) (result i64)
    (memory.fill (i32.const 0x7fff0) (i32.const 7) (i32.const 0x7fff_ffff))
    (unreachable))
  (data (i32.const 0x100)
    "{\22abi\22:1,\22kind\22:\22strategy\22,\22name\22:\22memory-fill-outside\22,\22version\22:\221\22}"))
