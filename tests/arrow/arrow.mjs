// What spate is checked against: Apache Arrow's own library for JavaScript.
//   node arrow.mjs PACKAGE read FILE          rows as NDJSON, every value as text that says its type
//   node arrow.mjs PACKAGE write FILE stream|file   a table of every type that the library can make
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
const [, , root, how, path, form] = process.argv;
const arrow = createRequire(root + '/')('apache-arrow');

const hex = bytes => Buffer.from(bytes).toString('hex');
function shown(type, v) {
  if (v === null || v === undefined) return null;
  if (arrow.DataType.isList(type)) return [...v].map(x => shown(type.children[0].type, x));
  if (arrow.DataType.isDecimal(type)) {
    let n = 0n;
    const words = new Uint32Array(v.buffer, v.byteOffset, 4);
    for (let i = 3; i >= 0; i--) n = (n << 32n) | BigInt(words[i]);
    n = BigInt.asIntN(128, n);
    const digits = (n < 0n ? -n : n).toString().padStart(type.scale + 1, '0'), at = digits.length - type.scale;
    return (n < 0n ? '-' : '') + digits.slice(0, at) + (type.scale ? '.' + digits.slice(at) : '');
  }
  if (v instanceof Uint8Array) return hex(v);
  if (ArrayBuffer.isView(v)) return [...v].map(String).join(' ');
  return typeof v === 'bigint' ? v.toString() : typeof v === 'number' && Object.is(v, -0) ? '-0' : v;
}
if (how === 'read') {
  const table = arrow.tableFromIPC(readFileSync(path));
  for (const f of table.schema.fields) console.log(JSON.stringify([f.name, String(f.type), f.nullable]));
  for (let i = 0; i < table.numRows; i++)
    console.log(JSON.stringify(Object.fromEntries(table.schema.fields.map((f, k) => {
      const column = table.getChildAt(k), raw = arrow.DataType.isTimestamp(f.type) || arrow.DataType.isDate(f.type) || arrow.DataType.isTime(f.type);
      let v = column.get(i);
      if (raw && v !== null) { // as it lies there, not as a float of milliseconds
        let at = i, chunk = 0;
        while (at >= column.data[chunk].length) at -= column.data[chunk++].length;
        v = column.data[chunk].values[at];
      }
      return [f.name, shown(f.type, v)];
    }))));
} else {
  const n = 5000, every = f => Array.from({ length: n }, (_, i) => i % 7 === 3 ? null : f(i));
  const columns = {
    i8: [new arrow.Int8, i => i % 256 - 128], u8: [new arrow.Uint8, i => i % 256], i16: [new arrow.Int16, i => i - 3000], u16: [new arrow.Uint16, i => 65535 - i],
    i32: [new arrow.Int32, i => -i * 400000], u32: [new arrow.Uint32, i => 4294967295 - i], i64: [new arrow.Int64, i => -9223372036854775808n + BigInt(i)],
    u64: [new arrow.Uint64, i => 18446744073709551615n - BigInt(i)], f16: [new arrow.Float16, i => (i % 100) / 4], f32: [new arrow.Float32, i => i / 8],
    f64: [new arrow.Float64, i => i / 3], flag: [new arrow.Bool, i => i % 2 === 0], word: [new arrow.Utf8, i => i % 5 ? `w"${i}é` : ''],
    big_word: [new arrow.LargeUtf8, i => `lw${i}`], bytes: [new arrow.Binary, i => Uint8Array.of(i % 256, 0, 255)], day: [new arrow.DateDay, i => new Date(Date.UTC(1970, 0, 1 + i - 2000))],
    ms: [new arrow.TimestampMillisecond, i => i * 1000 + 5], at: [new arrow.TimestampMicrosecond('UTC'), i => i * 1000],
    clock: [new arrow.TimeMillisecond, i => i * 10], fixed: [new arrow.FixedSizeBinary(4), i => Uint8Array.of(1, 2, 3, i % 256)],
    kind: [new arrow.Dictionary(new arrow.Utf8, new arrow.Int32), i => ['red', 'green', 'blue'][i % 3]],
    list: [new arrow.List(new arrow.Field('item', new arrow.Int32, true)), i => Array.from({ length: i % 4 }, (_, k) => k === 1 ? null : i + k)],
  };
  const vectors = Object.fromEntries(Object.entries(columns).map(([name, [type, f]]) => [name, arrow.vectorFromArray(every(f), type)]));
  writeFileSync(path, arrow.tableToIPC(new arrow.Table(vectors), form));
}
