/** What an instruction refers to. */
type Operand = "none" | "i32" | "local" | "global" | "func" | "type" | "label" | "block" | number;

/** The opcode and the operand of each instruction in use; a number is a memory's alignment. */
const INSTRUCTIONS: Record<string, [opcode: number[], operand: Operand]> = {
  "block": [[0x02], "block"],
  "loop": [[0x03], "block"],
  "end": [[0x0b], "none"],
  "br": [[0x0c], "label"],
  "br_if": [[0x0d], "label"],
  "call": [[0x10], "func"],
  "local.get": [[0x20], "local"],
  "local.set": [[0x21], "local"],
  "local.tee": [[0x22], "local"],
  "global.get": [[0x23], "global"],
  "i32.store": [[0x36], 2],
  "i32.store8": [[0x3a], 0],
  "i32.const": [[0x41], "i32"],
  "i32.ge_s": [[0x4e], "none"],
  "i32.add": [[0x6a], "none"],
  "i32.and": [[0x71], "none"],
  "i32.or": [[0x72], "none"],
  "array.new_default": [[0xfb, 0x07], "type"],
  "array.get_u": [[0xfb, 0x0d], "type"],
};

/** The parts of a module: lists in parentheses, and words. */
type Form = string | Form[];

const encoder = new TextEncoder();

/** Assembles the subset of WebAssembly's text format that the project uses, without folding. */
export function assemble(source: string): Uint8Array {
  const module = parse(source)[0] as Form[];
  const names: Record<string, string[]> = { type: [], func: [], global: [], memory: [], local: [] };
  const sections: Record<string, number[][]> = {};
  const add = (section: string, bytes: number[]) => (sections[section] ??= []).push(bytes);
  const indexOf = (space: string, name: Form | undefined): number => {
    const index = names[space]?.indexOf(name as string) ?? -1;
    if (index < 0) throw new Error(`Cannot assemble: no ${space} is called ${name}`);
    return index;
  };
  const valueType = (form: Form): number[] => {
    if (form === "i32") return [0x7f];
    if (form === "externref") return [0x6f];
    return [0x63, indexOf("type", (form as Form[])[2])]; // (ref null $type)
  };
  const code = (words: Form[]): number[] => {
    const labels: string[] = [];
    const bytes: number[] = [];
    for (let at = 0; at < words.length; at++) {
      const word = words[at] as string;
      const [opcode, operand] = INSTRUCTIONS[word] ?? [];
      if (opcode === undefined) {
        throw new Error(`Cannot assemble: no instruction is called ${word}`);
      }
      bytes.push(...opcode);
      if (word === "end") labels.pop();
      if (typeof operand === "number") bytes.push(operand, 0);
      else if (operand === "block") {
        labels.push(words[++at] as string);
        bytes.push(0x40);
      } else if (operand === "label") {
        bytes.push(labels.length - 1 - labels.lastIndexOf(words[++at] as string));
      } else if (operand === "i32") bytes.push(...signed(Number(words[++at])));
      else if (operand !== "none") bytes.push(indexOf(operand as string, words[++at]));
    }
    return [...bytes, 0x0b];
  };

  for (const form of module.slice(1) as Form[][]) {
    const [kind, name, ...rest] = form as [string, string, ...Form[]];
    if (kind === "type") {
      names["type"]?.push(name);
      const [[shape, ...parts]] = rest as [[string, ...Form[][]]];
      const list = (part: string) => parts.filter(([head]) => head === part).flatMap(types);
      if (shape === "array") add("type", [0x5e, 0x77, 1]); // (array (mut i16))
      else add("type", [0x60, ...vector(list("param")), ...vector(list("result"))]);
    } else if (kind === "import") {
      const [field, [, func, [, type]]] = rest as [string, [string, string, [string, string]]];
      names["func"]?.push(func);
      add("import", [...text(name), ...text(field), 0, indexOf("type", type)]);
    } else if (kind === "func") {
      names["func"]?.push(name);
      const declared = rest.filter((each): each is Form[] => typeof each !== "string");
      const named = declared.filter(([head]) => head === "param" || head === "local");
      names["local"] = named.map(([, local]) => local as string);
      add("func", [indexOf("type", declared[0]?.[1])]);
      const locals: { type: number[]; count: number }[] = [];
      for (const [head, , type] of declared) {
        if (head !== "local") continue;
        const encoded = valueType(type as Form);
        const last = locals.at(-1);
        if (`${last?.type}` === `${encoded}`) (last as { count: number }).count++;
        else locals.push({ type: encoded, count: 1 });
      }
      const body = code(rest.filter((each) => typeof each === "string"));
      const groups = locals.map(({ type, count }) => [count, ...type]);
      add("code", sized([...vector(groups), ...body]));
    } else if (kind === "memory") {
      names["memory"]?.push(name);
      add("memory", [1, ...rest.map(Number)]);
    } else if (kind === "global") {
      names["global"]?.push(name);
      add("global", [...valueType(rest[0] as Form), 0, ...code(rest.slice(1))]);
    } else if (kind === "export") {
      const [[space, target]] = rest as [[string, string]];
      add("export", [...text(name), space === "func" ? 0 : 2, indexOf(space, target)]);
    }
  }
  const order = ["", "type", "import", "func", "", "memory", "global", "export", "", "", "code"];
  const bytes = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
  for (const [id, section] of order.entries()) {
    const items = sections[section];
    if (items !== undefined) bytes.push(id, ...sized(vector(items)));
  }
  return Uint8Array.from(bytes);

  function types([, ...each]: Form[]): number[][] {
    return each.map(valueType);
  }
}

/** Integers up to 127 take one byte, which is all that the project's module needs. */
function byte(value: number): number {
  if (value > 127) throw new Error(`Cannot assemble: ${value} does not fit into one byte`);
  return value;
}

function signed(value: number): number[] {
  const bytes: number[] = [];
  for (; value < -64 || value > 63; value >>= 7) bytes.push(value & 0x7f | 0x80);
  return [...bytes, value & 0x7f];
}

function vector(items: number[][]): number[] {
  return [byte(items.length), ...items.flat()];
}

function sized(bytes: number[]): number[] {
  return [byte(bytes.length), ...bytes];
}

function text(quoted: string): number[] {
  return sized([...encoder.encode(quoted.slice(1, -1))]);
}

function parse(source: string): Form[] {
  const stack: Form[][] = [[]];
  for (const [token] of source.replace(/;;.*/g, "").matchAll(/[()]|"[^"]*"|[^\s()"]+/g)) {
    if (token === "(") stack.push([]);
    else if (token === ")") {
      const done = stack.pop() as Form[];
      stack.at(-1)?.push(done);
    } else stack.at(-1)?.push(token);
  }
  return stack[0] as Form[];
}
