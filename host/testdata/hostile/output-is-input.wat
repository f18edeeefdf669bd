;; Attack: Answers with its own input, so that what the host reads and what it wrote are the same bytes.
;; Must: be taken for the answer that the bytes happen to be, within the size that an answer may have.
(module
  (memory (export "memory") 8)
  (func (export "switchyard_abi_1"))
  (func (export "input") (param i32) (result i32) (i32.const 0x10000))
  (func (export "describe") (result i64) (i64.const 0x0000_0100_0000_0042))
  (func (export "configure") (param i32) (result i64) (i64.const 0x0000_0040_0000_0001))
  (func (export "score") (param i32) (result i64)
    (i64.or (i64.const 0x0001_0000_0000_0000) (i64.extend_i32_u (local.get 0))))
  (data (i32.const 0x100)
    "{\22abi\22:1,\22kind\22:\22strategy\22,\22name\22:\22output-is-input\22,\22version\22:\221\22}"))
