// Numbers spelled by n2words and to-words, which have African languages that ICU has not.
//     node benchmarks/spellings.mjs LOCALE NUMBER ...   from a folder with both packages
// Prints one JSON object: a list of spellings for each number, and the packages with their versions.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";

const [locale, ...numbers] = process.argv.slice(2);
const folder = createRequire(join(process.cwd(), "package.json"));
const spellings = Object.fromEntries(numbers.map((number) => [number, []]));
const sources = [];

async function add(name, module, load) {
  let spell;
  try {
    spell = load(await import(pathToFileURL(folder.resolve(module)).href));
  } catch {
    return; // the package has not the language
  }
  const manifest = join(process.cwd(), "node_modules", name, "package.json");
  sources.push(`${name} ${JSON.parse(readFileSync(manifest, "utf8")).version}`);
  for (const number of numbers) spellings[number].push(spell(Number(number)));
}

await add("n2words", `n2words/${locale}`, (module) => module.toCardinal);
await add("to-words", "to-words", (module) => {
  const words = new (module.ToWords ?? module.default.ToWords)({ localeCode: locale });
  words.convert(1);
  return (number) => words.convert(number);
});
console.log(JSON.stringify({ sources, spellings }));
