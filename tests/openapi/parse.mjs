// What libraries of JavaScript make of a document:
//
//     node parse.mjs swagger-parser|validator DOCUMENT
//     node parse.mjs same JSON YAML
//
// Run where the packages are installed, the working folder.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { pathToFileURL } from "node:url";

const require = createRequire(join(process.cwd(), "package.json"));
const load = async (name) => import(pathToFileURL(require.resolve(name)).href);
const [what, first, second] = process.argv.slice(2);

const tools = {
  async "swagger-parser"() {
    const { default: SwaggerParser } = await load("@apidevtools/swagger-parser");
    await SwaggerParser.validate(first);
  },
  async validator() {
    const { Validator } = await load("@seriousme/openapi-schema-validator");
    const result = await new Validator().validate(JSON.parse(readFileSync(first, "utf8")));
    if (!result.valid) throw new Error(JSON.stringify(result.errors));
  },
  async same() {
    const { default: yaml } = await load("js-yaml");
    const read = yaml.load(readFileSync(second, "utf8"));
    if (!isDeepStrictEqual(read, JSON.parse(readFileSync(first, "utf8")))) throw new Error("the YAML says something else");
  },
};

try {
  await tools[what]();
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
