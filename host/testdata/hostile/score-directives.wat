;; Attack: Sets every directive there is and many that there are not, each time at its largest.
;; Must: be taken at its word where that is harmless, and be dropped for a rejection that is none.
(module
  (memory (export "memory") 8)
  (func (export "switchyard_abi_1"))
  (func (export "input") (param i32) (result i32) (i32.const 0x10000))
  (func (export "describe") (result i64) (i64.const 0x0000_0100_0000_0043))
  (func (export "configure") (param i32) (result i64) (i64.const 0x0000_0040_0000_0001))
  (func (export "score") (param i32) (result i64)
    (i32.store offset=4 (i32.const 0x60000) (i32.load offset=4 (i32.const 0x10000)))
    (i64.const 0x0006_0000_0000_f000))
  (data (i32.const 0x100)
    "{\22abi\22:1,\22kind\22:\22strategy\22,\22name\22:\22score-directives\22,\22version\22:\221\22}")
  (data (i32.const 0x60000) "\00\000\00\00\00\00\00\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff"))
