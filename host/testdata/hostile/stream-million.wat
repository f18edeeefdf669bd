;; Attack: Answers one event with a million chunks.
;; Must: be taken: they are within the size of an output. The client pays for them with its own connection.
(module
  (memory (export "memory") 200)
  (func (export "switchyard_abi_1"))
  (func (export "input") (param i32) (result i32) (i32.const 0x10000))
  (func (export "describe") (result i64) (i64.const 0x0000_0100_0000_0069))
  (func (export "configure") (param i32) (result i64) (i64.const 0x0000_0040_0000_0001))
  (func (export "request") (param i32) (result i64) (i64.const 0x0006_0000_0000_0026))
  (func (export "response") (param i32) (result i64) (i64.const 0x0006_0400_0000_0043))
  (func (export "stream") (param i32) (result i64)
    (local $n i32)
    (i32.store offset=0x10_0038 (i32.const 0) (i32.const 1000000))
    (loop $on
      (i64.store offset=0x10_003c (i32.mul (local.get $n) (i32.const 7)) (i64.const 0x007d_7b00_0000_0201))
      (br_if $on (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 1000000))))
    (i64.const 0x0010_0000_006a_cffc))
  (data (i32.const 0x100)
    "{\22abi\22:1,\22kind\22:\22provider\22,\22name\22:\22stream-million\22,\22version\22:\221\22,\22dia"
    "lect\22:\22openai\22,\22endpoints\22:[\22chat\22]}")
  (data (i32.const 0x60000) "\00\00\00\01\00\00\00\05\00/v1/x")
  (data (i32.const 0x60020) "\02\00\00\00{}")
  (data (i32.const 0x60434) "\0b\00\00\00{\22ok\22:true}"))
