;; Attack: Gives a reason with line breaks, terminal codes, a zero byte and broken UTF-8, and a code of the
;; same kind.
;; Must: answer, with all of that escaped.
(module
  (memory (export "memory") 8)
  (func (export "switchyard_abi_1"))
  (func (export "input") (param i32) (result i32) (i32.const 0x10000))
  (func (export "describe") (result i64) (i64.const 0x0000_0100_0000_0047))
  (func (export "configure") (param i32) (result i64) (i64.const 0x0000_0040_0000_0001))
  (func (export "score") (param i32) (result i64)
    (local $end i32)
    (i32.store offset=4 (i32.const 0x60000) (i32.load offset=4 (i32.const 0x10000)))
    (local.set $end (i32.add (i32.const 0x60030) (i32.shl (i32.load offset=4 (i32.const 0x10000)) (i32.const 3))))
    (memory.copy (local.get $end) (i32.const 0x1000) (i32.const 56))
    (i64.or (i64.const 0x0006_0000_0000_0000) (i64.extend_i32_u (i32.sub (i32.add (local.get $end)
    (i32.const 56)) (i32.const 0x60000)))))
  (data (i32.const 0x100)
    "{\22abi\22:1,\22kind\22:\22strategy\22,\22name\22:\22score-reason-control\22,\22version\22:\221\22}")
  (data (i32.const 0x60000) "\00\000")
  (data (i32.const 0x6001a) "\1c\00\1c")
  (data (i32.const 0x1000)
    "ok\0d\0aX-Evil: 1\0d\0a\0d\0a\1b[2J\00\7f\ff\fe\e2\80\aeok\0d\0aX-Evil: 1\0d\0a\0d\0a\1b[2J\00\7f\ff"
    "\fe\e2\80\ae"))
