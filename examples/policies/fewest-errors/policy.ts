// A policy in AssemblyScript, of a few kilobytes: the deployment with the fewest failures in the last minute serves; of
// equals, the one with the fewest requests in flight. README.md beside the folder has the command that builds it.
//
// It speaks the contract by itself (sdk/abi): calls get the length of a message in the input buffer, and return the address
// and the length of the answer. Nothing is allocated once the buffers are large enough.

const description = String.UTF8.encode(
  '{"abi":1,"kind":"strategy","name":"fewest-errors","version":"1.0.0","about":"the fewest failures of late"}',
);
const reason = String.UTF8.encode("fewest failures of late");

export function switchyard_abi_1(): void {}

let inputSize: usize = 0;
let inputAt: usize = 0;
let outputSize: usize = 0;
let outputAt: usize = 0;

export function input(size: u32): usize {
  if (<usize>size > inputSize) {
    inputSize = max<usize>(size, 64 << 10);
    inputAt = heap.alloc(inputSize);
  }
  return inputAt;
}

function output(size: usize): usize {
  if (size > outputSize) {
    outputSize = max<usize>(size, 8 << 10);
    outputAt = heap.alloc(outputSize);
  }
  memory.fill(outputAt, 0, size);
  return outputAt;
}

function answer(at: usize, size: usize): u64 {
  return (<u64>at << 32) | <u64>size;
}

// refuse answers that the input is not what it should be.
function refuse(message: ArrayBuffer): u64 {
  const at = output(18 + message.byteLength);
  store<u8>(at, 1); // reply: refusal
  store<u16>(at, 400, 1);
  store<u8>(at, 1, 4); // kind: invalid request
  store<u16>(at, <u16>message.byteLength, 15); // type, code and param stay empty
  memory.copy(at + 17, changetype<usize>(message), message.byteLength);
  return answer(at, 17 + message.byteLength);
}

export function describe(): u64 {
  return answer(changetype<usize>(description), description.byteLength);
}

const noConfig = String.UTF8.encode("this policy takes no config but {}");

export function configure(size: u32): u64 {
  if (size != 2 || load<u8>(inputAt) != 0x7b || load<u8>(inputAt, 1) != 0x7d) return refuse(noConfig);
  return answer(output(1), 1);
}

const tooShort = String.UTF8.encode("the input is shorter than its header says");

export function score(size: u32): u64 {
  if (size < 160) return refuse(tooShort);
  const header = load<u16>(inputAt), record = load<u16>(inputAt, 2), count = load<u32>(inputAt, 4);
  if (header < 160 || record < 256 || count > 4096 || <u64>header + <u64>count * <u64>record > <u64>size) return refuse(tooShort);
  const scores: usize = 48, end = scores + 8 * <usize>count;
  const at = output(end + reason.byteLength);
  store<u16>(at, 48, 2);
  store<u32>(at, count, 4);
  store<u32>(at, reason.byteLength, 28);
  for (let i: u32 = 0; i < count; i++) {
    const c = inputAt + header + i * record;
    const errors = load<f64>(c, 160); // NaN is not known
    const share = errors > 0 ? min<f64>(errors, 1) : 0;
    store<f64>(at + scores + 8 * i, share * 1e10 + <f64>load<u32>(c, 96)); // lower is better
  }
  memory.copy(at + end, changetype<usize>(reason), reason.byteLength);
  return answer(at, end + reason.byteLength);
}
