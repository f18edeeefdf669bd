;; Attack: Gives a state of 4 GiB.
;; Must: be dropped.
(module
  (memory (export "memory") 8)
  (func (export "switchyard_abi_1"))
  (func (export "input") (param i32) (result i32) (i32.const 0x10000))
  (func (export "describe") (result i64) (i64.const 0x0000_0100_0000_0067))
  (func (export "configure") (param i32) (result i64) (i64.const 0x0000_0040_0000_0001))
  (func (export "request") (param i32) (result i64) (i64.const 0x0006_0000_0000_0026))
  (func (export "response") (param i32) (result i64) (i64.const 0x0006_0400_0000_0043))
  (func (export "stream") (param i32) (result i64) (i64.const 0x0006_8000_0000_003c))
  (data (i32.const 0x100)
    "{\22abi\22:1,\22kind\22:\22provider\22,\22name\22:\22stream-state\22,\22version\22:\221\22,\22diale"
    "ct\22:\22openai\22,\22endpoints\22:[\22chat\22]}")
  (data (i32.const 0x60000) "\00\00\00\01\00\00\00\05\00/v1/x")
  (data (i32.const 0x60020) "\02\00\00\00{}")
  (data (i32.const 0x60434) "\0b\00\00\00{\22ok\22:true}")
  (data (i32.const 0x68034) "\ff\ff\ff\ff"))
