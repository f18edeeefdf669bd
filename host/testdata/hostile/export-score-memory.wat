;; Attack: The export "score" is a memory and the export "memory" a function.
;; Must: be refused.
(module
  (memory (export "score") 8)
  (func (export "switchyard_abi_1"))
  (func (export "input") (param i32) (result i32) (i32.const 0x10000))
  (func (export "describe") (result i64) (i64.const 0x0000_0100_0000_0046))
  (func (export "configure") (param i32) (result i64) (i64.const 0x0000_0040_0000_0001))
  (func (export "memory") (param i32) (result i64) (unreachable))
  (data (i32.const 0x100)
    "{\22abi\22:1,\22kind\22:\22strategy\22,\22name\22:\22export-score-memory\22,\22version\22:\221\22}"))
