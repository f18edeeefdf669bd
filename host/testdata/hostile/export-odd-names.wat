;; Attack: Exports functions with line breaks, quotes, terminal codes and no name at all.
;; Must: answer: nobody calls them.
(module
  (memory (export "memory") 8)
  (func (export "\0d\0aX-Evil: 1") (unreachable))
  (func (export "\22\1b[2J\00") (unreachable))
  (func (export "") (unreachable))
  (func (export "switchyard_abi_1"))
  (func (export "input") (param i32) (result i32) (i32.const 0x10000))
  (func (export "describe") (result i64) (i64.const 0x0000_0100_0000_0043))
  (func (export "configure") (param i32) (result i64) (i64.const 0x0000_0040_0000_0001))
  (func (export "score") (param i32) (result i64)
    (i32.store offset=4 (i32.const 0x60000) (i32.load offset=4 (i32.const 0x10000)))
    (i64.add (i64.const 0x0006_0000_0000_0030) (i64.extend_i32_u (i32.shl (i32.load offset=4
    (i32.const 0x10000)) (i32.const 3)))))
  (data (i32.const 0x100)
    "{\22abi\22:1,\22kind\22:\22strategy\22,\22name\22:\22export-odd-names\22,\22version\22:\221\22}")
  (data (i32.const 0x60002) "0"))
