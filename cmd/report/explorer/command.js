/* Each view as a command for a shell (bash, zsh) in the run's folder. */
const Command = (() => {
    const { index, make } = Dom;
    const { paths } = index;
    const TAB = "$'\\t'", COLUMNS = "for (i = NF; i > 0; i--) c[$i] = i";
    const predictions = () => quote(index.tables[0].file);

    /* As one word of the shell. */
    function quote(text) {
        return /^[A-Za-z0-9_./,:=@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
    }

    const awkString = (text) => `"${text.replace(/[\\"]/g, "\\$&").replaceAll("\n", "\\n").replaceAll("\t", "\\t")}"`;
    const field = (name) => `$c["${name}"]`;

    /* --- conditions --- */

    const plainNumber = (value) => /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(value.trim());

    /* A condition on a field, and whether it holds where the field's row is missing. */
    function test(kind, column, op, value) {
        const f = field(column);
        if (value === "NA" && kind === "number")
            return op === "=" || op === "!=" ? `${f} ${op === "=" ? "==" : "!="} "NA"` : "0";
        if (kind === "number") {
            if (!plainNumber(value))
                return op === "!=" ? `${f} != "NA"` : "0";
            const v = String(Number(value));
            /* "NA" is no number: awk would compare it as text. */
            return op === "=" ? `${f} == ${v}` : op === "~" ? "0" : `${f} != "NA" && ${f} ${op} ${v}`;
        }
        return op === "~" ? `index(${f}, ${awkString(value)})`
            : op === "=" || op === "!=" ? `${f} ${op === "=" ? "==" : "!="} ${awkString(value)}` : "0";
    }

    /* Where a property comes from: { file, target, kind, column }; tags are a table of their own. */
    async function source(name) {
        if (name === "tag" && Tags.size() > 0)
            return { table: "tags", file: "tags.tsv", target: null, kind: "word", column: "tag" };
        const c = await Rows.column(name);
        return c && { ...c, file: index.tables[c.table].file };
    }

    /* The rows of conditions in an order: what Query.rows gives. */
    async function rows(where, sort) {
        const files = [], first = [], any = new Map(), all = [];
        const fileNumber = (s) => {
            if (!files.includes(s.file))
                files.push(s.file);
            return files.indexOf(s.file) + 1;
        };
        let n = 0;
        for (const text of where) {
            const condition = Query.parse(text), s = condition && await source(condition.column);
            if (!s) {
                all.push("0");
                continue;
            }
            const { column, op, value } = condition;
            let expression;
            if (s.table === 0) {
                expression = test(s.kind, s.column, op, value);
            } else {
                /* Of a joined table the ids that fit are kept; words that differ, and NA, by those that do not. */
                const inverse = (s.kind === "word" && op === "!=") || (s.kind === "number" && value === "NA" && op === "=");
                const inner = inverse ? test(s.kind, s.column, s.kind === "word" ? "=" : "!=", value) : test(s.kind, s.column, op, value);
                const target = s.target === null ? "" : `${field("target")} == ${awkString(s.target)} && `;
                const set = `a${++n}`;
                first.push([fileNumber(s), s.kind === "number"
                    ? `${s.target === null ? "" : `if (${field("target")} == ${awkString(s.target)}) `}${set}[${field("id")}] = ${inner.includes("&&") ? `(${inner})` : inner}`
                    : `if (${target}${inner}) ${set}[${field("id")}] = 1`]);
                expression = `${inverse ? "!" : ""}${set}[${field("id")}]`;
                if (s.kind === "word" && value === "NA")
                    expression = op === "=" ? `(${expression} || !(${field("id")} in p${n}))` : `(${expression} && ${field("id")} in p${n})`,
                    first.push([fileNumber(s), `${s.target === null ? "" : `if (${field("target")} == ${awkString(s.target)}) `}p${n}[${field("id")}]`]);
            }
            if (op === "=")
                any.set(column, [...any.get(column) ?? [], expression]);
            else
                all.push(expression);
        }
        for (const list of any.values())
            all.unshift(list.length === 1 ? list[0] : `(${list.join(" || ")})`);
        const falling = sort.startsWith("-"), by = sort ? await source(sort.replace(/^-/, "")) : null;
        const outside = by && by.table !== 0;
        if (outside)
            first.push([fileNumber(by), `${by.target === null ? "" : `if (${field("target")} == ${awkString(by.target)}) `}s[${field("id")}] = ${field(by.column)}`]);
        let command;
        if (files.length === 0)
            command = all.length === 0 ? `cat ${predictions()}`
                : `awk -F '\\t' ${quote(`NR == 1 { ${COLUMNS}; print; next } ${all.join(" && ")}`)} ${predictions()}`;
        else {
            const key = outside ? `(${field("id")} in s ? s[${field("id")}] : "NA") "\\t" $0` : "$0";
            const inner = files.map((_, i) => `file == ${i + 1} { ${first.filter(([f]) => f === i + 1).map(([, e]) => e).join("; ")}; next }`);
            command = `awk -F '\\t' ${quote(`FNR == 1 { split("", c); ${COLUMNS}; if (++file == ${files.length + 1}) print ${outside ? `"key\\t" $0` : "$0"}; next } ${inner.join(" ")} ${all.length ? `${all.join(" && ")} ` : ""}{ print ${key} }`)} ${files.map(quote).join(" ")} ${predictions()}`;
        }
        if (by) {
            const at = outside ? 1 : index.tables[0].columns.indexOf(by.column) + 1;
            const id = index.tables[0].columns.indexOf("id") + 1 + (outside ? 1 : 0);
            command += ` | (sed -u 1q; LC_ALL=C sort -t ${TAB} -k ${at},${at}${by.kind === "number" ? "g" : ""}${falling ? "r" : ""} -k ${id},${id}n)`;
            if (outside)
                command += " | cut -f 2-";
        }
        return command;
    }

    /* --- maps and pictures --- */

    const ids = () => paths.ids ? ` --ids ${quote(paths.ids)}` : "";
    const size = () => paths.size ? ` ${paths.size}` : "";

    /* The maps of rows from standard input; `target` as cam-compute takes it. */
    function maps(target) {
        return `cam-compute ${index.maps.words ? `--cams ${quote(paths.maps)} --planes ${index.maps.words.join(",")}`
            : `--class-maps ${quote(paths.maps)}`}${ids()} --target ${target} --size layer`;
    }

    /* The mean of the maps of rows, or of the first `most` of them, as one tensor. */
    const meanMap = (rowsCommand, target, most) => `${rowsCommand}${most ? ` | head -n ${most + 1}` : ""} | ${maps(target)} --average > mean.npy`;

    /* Pictures of rows in a folder: with their maps where some are laid over, else as they are. */
    function pictures(rowsCommand, map) {
        if (!paths.data)
            return null;
        const data = `--data ${quote(paths.data)}${size()}`;
        if (!map || !index.maps)
            return `${rowsCommand} | cam-overlay --table - ${data} --show original --each pictures`;
        const target = /^\d+$/.test(map) ? `class:${map}` : map;
        return `${rowsCommand} > rows.tsv && ${maps(target)} < rows.tsv | cam-overlay --table rows.tsv --target ${target} ${data} --each pictures`;
    }

    /* --- tables of classes --- */

    const names = () => paths.names ? ` --names ${quote(paths.names)}` : "";

    /* A table of confmat from rows, which may be all. */
    async function confmat(options, where) {
        if (where.length === 0)
            return `confmat ${options}${names()} ${predictions()}`;
        return `${await rows(where, "")} | confmat ${options}${names()}`;
    }

    /* --- in the page --- */

    async function copy(text, button) {
        try {
            await navigator.clipboard.writeText(text);
        } catch {
            /* Without the permission: through a selection. */
            const area = make("textarea", { class: "hidden" });
            area.value = text;
            document.body.append(area);
            area.select();
            document.execCommand("copy");
            area.remove();
        }
        button.textContent = "Copied";
        Dom.say("The command is in the clipboard.");
        setTimeout(() => button.textContent = "Copy", 1500);
    }

    /* A line with a command and a button to copy it. `promise` may give null: no line. */
    function line(label, promise) {
        const code = make("code", { translate: "no", tabIndex: 0 });
        const button = make("button", { type: "button", text: "Copy", "aria-label": `Copy the command: ${label}` });
        const row = make("div", { class: "command", hidden: true }, make("span", { class: "what", text: label }), code, button);
        button.addEventListener("click", () => copy(code.textContent, button));
        Promise.resolve(promise).then((text) => {
            row.hidden = !text;
            code.textContent = text ?? "";
            row.dataset.ready = "";
        }, (e) => Dom.say(e.message));
        return row;
    }

    return { rows, pictures, meanMap, confmat, line, quote, COLUMNS, TAB, field };
})();
