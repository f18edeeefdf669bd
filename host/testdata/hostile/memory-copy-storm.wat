;; Attack: Moves all of its 32 MiB by one byte, forwards and backwards, again and again.
;; Must: be charged by the byte, end when the fuel is used up, and not keep the garbage collector waiting
;; meanwhile.
(module
  (memory (export "memory") 512)
  (func (export "switchyard_abi_1"))
  (func (export "input") (param i32) (result i32) (i32.const 0x10000))
  (func (export "describe") (result i64) (i64.const 0x0000_0100_0000_0044))
  (func (export "configure") (param i32) (result i64) (i64.const 0x0000_0040_0000_0001))
  (func (export "score") (param i32) (result i64)
    (loop $on
      (memory.copy (i32.const 0x1000) (i32.const 0x1001) (i32.const 0x1ff_0000))
      (memory.copy (i32.const 0x1001) (i32.const 0x1000) (i32.const 0x1ff_0000))
      (br $on))
    (unreachable))
  (data (i32.const 0x100)
    "{\22abi\22:1,\22kind\22:\22strategy\22,\22name\22:\22memory-copy-storm\22,\22version\22:\221\22}"))
