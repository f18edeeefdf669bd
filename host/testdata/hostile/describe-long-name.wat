;; Attack: Has a name of 200,000 bytes.
;; Must: be refused: it would stand in every status.
(module
  (memory (export "memory") 32)
  (func (export "switchyard_abi_1"))
  (func (export "input") (param i32) (result i32) (i32.const 0x10000))
  (func (export "describe") (result i64)
    (memory.fill (i32.const 0x10_0000) (i32.const 0x78) (i32.const 200000))
    (memory.copy (i32.const 0x10_0000) (i32.const 0x100) (i32.const 49))
    (i32.store16 (i32.const 1248574) (i32.const 0x7d22))
    (i64.const 0x0010_0000_0003_0d40))
  (func (export "configure") (param i32) (result i64) (i64.const 0x0000_0040_0000_0001))
  (func (export "score") (param i32) (result i64)
    (i32.store offset=4 (i32.const 0x60000) (i32.load offset=4 (i32.const 0x10000)))
    (i64.add (i64.const 0x0006_0000_0000_0030) (i64.extend_i32_u (i32.shl (i32.load offset=4
    (i32.const 0x10000)) (i32.const 3)))))
  (data (i32.const 0x100) "{\22abi\22:1,\22kind\22:\22strategy\22,\22version\22:\221\22,\22name\22:\22")
  (data (i32.const 0x60002) "0"))
