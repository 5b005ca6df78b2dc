// Writes onnxruntime.json, which the tests read: quantization and products of bytes as
// onnxruntime computes them.
//
//     npm install onnxruntime-node@1.17.3
//     NODE_PATH=node_modules node quant/testdata/make_onnxruntime.js
//
// Each model is one operator of ONNX's opset 13, in the bytes of its protobuf.
'use strict'
const fs = require('fs')
const path = require('path')
const ort = require('onnxruntime-node')

const types = { float32: 1, uint8: 2, int8: 3, int32: 6 }

function varint (n) {
  const out = []
  for (; n > 127; n = Math.floor(n / 128)) out.push(n % 128 + 128)
  return Buffer.from([...out, n])
}
const number = (field, n) => Buffer.concat([varint(8 * field), varint(n)])
const bytes = (field, b) => Buffer.concat([varint(8 * field + 2), varint(b.length), b])
const text = (field, s) => bytes(field, Buffer.from(s))
const value = (name, type, dims) => Buffer.concat([text(1, name), bytes(2, bytes(1, Buffer.concat([
  number(1, types[type]),
  bytes(2, Buffer.concat(dims.map(d => bytes(1, number(1, d)))))
])))])

// run returns the output of one operator, of the given type and shape.
async function run (op, inputs, type, dims) {
  const names = inputs.map((_, i) => 'x' + i)
  const node = Buffer.concat([...names.map(n => text(1, n)), text(2, 'y'), text(4, op)])
  const graph = Buffer.concat([bytes(1, node), text(2, 'g'),
    ...inputs.map((t, i) => bytes(11, value(names[i], t.type, t.dims))), bytes(12, value('y', type, dims))])
  const model = Buffer.concat([number(1, 8), bytes(7, graph), bytes(8, Buffer.concat([text(1, ''), number(2, 13)]))])
  const session = await ort.InferenceSession.create(model)
  const feeds = Object.fromEntries(inputs.map((t, i) => [names[i], t]))
  return Array.from((await session.run(feeds)).y.data)
}

const arrays = { float32: Float32Array, uint8: Uint8Array, int8: Int8Array }
const tensor = (type, data, dims) => new ort.Tensor(type, arrays[type].from(data), dims)
const scalar = (type, v) => tensor(type, [v], [])

let state = 1
function random (n) { // an integer below n, by a linear congruence
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0
  return Math.floor(state / 2 ** 32 * n)
}
const times = (n, f) => Array.from({ length: n }, (_, i) => f(i))

async function main () {
  const golden = { tool: 'onnxruntime-node ' + require('onnxruntime-node/package.json').version, quantized: [], products: [] }
  for (const [type, zero] of [['int8', 0], ['int8', -7], ['uint8', 128], ['uint8', 3]]) {
    for (const scale of [1, 0.5, 0.1, 1 / 3, 0.0123]) {
      const s = Math.fround(scale)
      const ties = times(40, i => Math.fround((i * 14 - 280 + 0.5) * s))
      const x = [...ties, ...times(40, () => Math.fround((random(6000) - 3000) * 0.1 * s))]
      const q = await run('QuantizeLinear', [tensor('float32', x, [x.length]), scalar('float32', s), scalar(type, zero)], type, [x.length])
      const back = await run('DequantizeLinear', [tensor(type, q, [q.length]), scalar('float32', s), scalar(type, zero)], 'float32', [q.length])
      golden.quantized.push({ type, scale: s, zero, x, q, back })
    }
  }
  for (const [m, k, n] of [[1, 40, 17], [5, 70, 9], [13, 33, 20]]) {
    const a = times(m * k, () => random(256))
    // Seven bits, row by row, an output each: without VNNI, onnxruntime's sums of two
    // products saturate at 16 bits, and eight bits would be beyond them.
    const w = times(n * k, () => random(128) - 64)
    const b = times(k * n, i => w[(i % n) * k + Math.floor(i / n)])
    const zero = 77
    const sums = await run('MatMulInteger', [tensor('uint8', a, [m, k]), tensor('int8', b, [k, n]), scalar('uint8', zero), scalar('int8', 0)], 'int32', [m, n])
    // Powers of two, so that the scale is exact and many results are halfway.
    const scales = [0.5, 0.125, 64]
    const q = await run('QLinearMatMul', [tensor('uint8', a, [m, k]), scalar('float32', scales[0]), scalar('uint8', zero),
      tensor('int8', b, [k, n]), scalar('float32', scales[1]), scalar('int8', 0), scalar('float32', scales[2]), scalar('uint8', 120)], 'uint8', [m, n])
    golden.products.push({ m, k, n, zero, a, w, sums, scales, outZero: 120, q })
  }
  fs.writeFileSync(path.join(__dirname, 'onnxruntime.json'), JSON.stringify(golden) + '\n')
}

main()
