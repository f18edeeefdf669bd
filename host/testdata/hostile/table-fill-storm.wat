;; Attack: Fills and copies a table without end with single instructions.
;; Must: be charged by the element and end when the fuel is used up.
(module
  (memory (export "memory") 8)
  (table $t 50000 funcref)
  (func (export "switchyard_abi_1"))
  (func (export "input") (param i32) (result i32) (i32.const 0x10000))
  (func (export "describe") (result i64) (i64.const 0x0000_0100_0000_0043))
  (func (export "configure") (param i32) (result i64) (i64.const 0x0000_0040_0000_0001))
  (func (export "score") (param i32) (result i64)
    (loop $on
      (table.fill $t (i32.const 0) (ref.func 4) (i32.const 50000))
      (table.copy $t $t (i32.const 1) (i32.const 0) (i32.const 49999))
      (br $on))
    (unreachable))
  (data (i32.const 0x100)
    "{\22abi\22:1,\22kind\22:\22strategy\22,\22name\22:\22table-fill-storm\22,\22version\22:\221\22}")
  (elem declare func 4))
