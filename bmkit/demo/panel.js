// One panel: a visitor gives a text, a picture or a sound; the chapter's function answers below.
// `model` is a widget's, or that of page.js: get("spec"), send(request, undefined, buffers), on("msg:custom", receive).

function make(tag, properties = {}, ...inside) {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...inside);
  return node;
}

function fill(sentence, ...values) {
  return values.reduce((text, value) => text.replace("{}", value), sentence);
}

// How long a file plays, without unpacking it: a few bytes can unpack to hours. Infinity: the file does not say.
function secondsOf(blob) {
  const address = URL.createObjectURL(blob);
  return new Promise((resolve, reject) => {
    const player = new Audio();
    player.preload = "metadata";
    player.onloadedmetadata = () => resolve(player.duration);
    player.onerror = reject;
    player.src = address;
  }).finally(() => URL.revokeObjectURL(address));
}

// Unpack a sound at the rate asked for, mix its channels, and write 16-bit integers.
async function samplesOf(blob, rate) {
  const sound = await new OfflineAudioContext(1, 1, rate).decodeAudioData(await blob.arrayBuffer());
  const mixed = new Float32Array(sound.length);
  for (let channel = 0; channel < sound.numberOfChannels; channel++) {
    sound.getChannelData(channel).forEach((value, place) => { mixed[place] += value / sound.numberOfChannels; });
  }
  const bytes = new DataView(new ArrayBuffer(2 * mixed.length));
  mixed.forEach((value, place) => {
    bytes.setInt16(2 * place, Math.round(32767 * Math.max(-1, Math.min(1, value))), true);
  });
  return bytes.buffer;
}

function render({ model, el }) {
  const spec = model.get("spec");
  const say = spec.sentences;
  const given = make("div", { className: "bmkit-given" });
  const refusal = make("div", { className: "bmkit-refusal" });
  refusal.setAttribute("role", "alert");
  const answer = make("div", { className: "bmkit-answer" });
  answer.setAttribute("aria-live", "polite");
  const working = make("span", { className: "bmkit-note" });
  const selects = {};
  const panel = make("div", { className: "bmkit" });

  function refuse(sentence) {
    refusal.textContent = sentence;
  }

  function send(request, buffers = []) {
    refuse("");
    answer.replaceChildren();
    const chosen = Object.fromEntries(Object.entries(selects).map(([name, one]) => [name, one.selectedIndex]));
    model.send({ ...request, chosen }, undefined, buffers);
  }

  function setBusy(busy) {
    working.textContent = busy ? say.busy : "";
    panel.classList.toggle("bmkit-busy", busy);
    panel.querySelectorAll("button, select, textarea, input").forEach((one) => { one.disabled = busy; });
  }

  function show(node) {
    given.replaceChildren(node);
    refuse("");
    answer.replaceChildren();
  }

  function tooLarge(file) {
    if (file.size <= spec.most_bytes) return false;
    refuse(fill(say.too_large, (file.size / 1e6).toFixed(1), spec.most_bytes / 1e6));
    return true;
  }

  async function takePicture(file) {
    given.replaceChildren();
    answer.replaceChildren();
    if (tooLarge(file)) return;
    const picture = make("img", { alt: file.name, src: URL.createObjectURL(file) });
    picture.onerror = () => picture.remove();
    show(picture);
    send({}, [await file.arrayBuffer()]);
  }

  async function takeSound(blob, recorded = false) {
    given.replaceChildren();
    answer.replaceChildren();
    if (tooLarge(blob)) return;
    try {
      if (!recorded) {
        const seconds = await secondsOf(blob);
        const known = Number.isFinite(seconds);
        if (known ? seconds > spec.most_seconds : blob.size > 1e6) {
          refuse(fill(say.too_long, known ? Math.ceil(seconds) : "?", spec.most_seconds));
          return;
        }
      }
      const samples = (await samplesOf(blob, spec.rate)).slice(0, 2 * Math.floor(spec.rate * spec.most_seconds));
      show(make("audio", { controls: true, src: URL.createObjectURL(blob) }));
      send({}, [samples]);
    } catch {
      refuse(say.no_sound);
    }
  }

  function chooser(accept, take) {
    const input = make("input", { type: "file", accept });
    input.onchange = async () => {
      const file = input.files[0];
      if (file) await take(file);
      input.value = ""; // so that the same file can be chosen again
    };
    return make("label", { className: "bmkit-file" }, say.choose, input);
  }

  function recorderButton() {
    const button = make("button", { className: "bmkit-main", textContent: `● ${say.record}` });
    let recorder = null;
    let clock = 0;

    async function start() {
      if (!navigator.mediaDevices?.getUserMedia) return refuse(say.insecure);
      let stream;
      try {
        stream = await navigator.mediaDevices.getUserMedia({ audio: true });
      } catch (error) {
        return refuse(["NotAllowedError", "SecurityError"].includes(error.name) ? say.denied : say.no_microphone);
      }
      const parts = [];
      const began = Date.now();
      recorder = new MediaRecorder(stream);
      recorder.ondataavailable = (event) => parts.push(event.data);
      recorder.onstop = () => {
        clearInterval(clock);
        stream.getTracks().forEach((track) => track.stop()); // the browser's red light goes out
        button.textContent = `● ${say.record}`;
        button.classList.remove("bmkit-on");
        takeSound(new Blob(parts, { type: recorder.mimeType }), true);
      };
      recorder.start();
      refuse("");
      answer.replaceChildren();
      button.classList.add("bmkit-on");
      const tick = () => {
        const seconds = (Date.now() - began) / 1000;
        button.textContent = `■ ${say.stop} (${seconds.toFixed(0)} s)`;
        if (seconds >= spec.most_seconds) stop();
      };
      clock = setInterval(tick, 200);
      tick();
    }

    function stop() {
      if (recorder?.state === "recording") recorder.stop();
    }

    button.onclick = () => (recorder?.state === "recording" ? stop() : start());
    return button;
  }

  function textInput() {
    const area = make("textarea", { value: spec.examples[0], spellcheck: false, id: `bmkit-${crypto.randomUUID?.() ?? Math.random()}` });
    const button = make("button", { className: "bmkit-main", textContent: say.answer });
    const count = make("span", { className: "bmkit-note" });
    const word = new RegExp(spec.word, "g");
    area.oninput = () => {
      const words = area.value.length > spec.most_bytes ? "?" : (area.value.match(word) ?? []).length;
      count.textContent = fill(say.words, words, spec.most_words);
    };
    const ask = () => {
      const size = new Blob([area.value]).size;
      if (!tooLarge({ size })) send({ text: area.value });
    };
    area.onkeydown = (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) ask();
      event.stopPropagation(); // the notebook has shortcuts of its own
    };
    button.onclick = ask;
    area.oninput();
    const take = (example) => {
      area.value = example;
      area.oninput();
      ask();
    };
    return { nodes: [area], row: [button, count], label: area.id, take };
  }

  function fileInput() {
    const isSound = spec.kind === "sound";
    const file = chooser(isSound ? "audio/*,video/mp4,video/webm" : "image/*", isSound ? takeSound : takePicture);
    const take = (example) => {
      given.replaceChildren();
      send({ example });
    };
    return { nodes: [], row: isSound ? [recorderButton(), file] : [file], take };
  }

  const input = spec.kind === "text" ? textInput() : fileInput();
  for (const [name, options] of Object.entries(spec.choices)) {
    selects[name] = make("select", {}, ...options.map((option) => make("option", { textContent: option })));
    input.row.push(make("label", { className: "bmkit-note" }, name.replaceAll("_", " "), " ", selects[name]));
  }
  const examples = spec.examples.map((name) => {
    const button = make("button", { textContent: name.length > 60 ? `${name.slice(0, 60)}…` : name });
    button.onclick = () => input.take(name);
    return button;
  });
  panel.append(
    make("label", input.label ? { htmlFor: input.label } : {}, spec.label),
    ...input.nodes,
    make("div", { className: "bmkit-row" }, ...input.row, working),
    make("div", { className: "bmkit-row" }, make("span", { className: "bmkit-note" }, say.try), ...examples),
    given, refusal, answer,
  );
  const receive = (message) => {
    if ("busy" in message) setBusy(message.busy);
    if ("refused" in message) refuse(message.refused);
    if ("given" in message) given.innerHTML = message.given;
    if ("html" in message) {
      answer.innerHTML = message.html;
      answer.scrollIntoView({ block: "nearest" });
    }
  };
  model.on("msg:custom", receive);
  el.append(panel);
  return () => model.off?.("msg:custom", receive);
}

export default { render };
