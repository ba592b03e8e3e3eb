// The page of `demo`: the same panel as in a notebook, over a socket to the process that has run the chapter.
import panel from "./panel.js";

const state = document.getElementById("state");
const socket = new WebSocket(`ws://${location.host}/talk${location.search}`);
const listeners = [];
let spec = null;

const model = {
  get: () => spec,
  on: (_, listener) => listeners.push(listener),
  send(request, _, buffers = []) {
    socket.send(JSON.stringify({ ...request, buffers: buffers.length }));
    buffers.forEach((buffer) => socket.send(buffer));
  },
};

socket.onmessage = (event) => {
  const message = JSON.parse(event.data);
  if ("state" in message) state.textContent = message.state;
  if (message.spec && !spec) {
    spec = message.spec;
    panel.render({ model, el: document.getElementById("panel") });
  }
  listeners.forEach((listener) => listener(message));
};
socket.onclose = () => {
  state.textContent = "The demo has ended; start it again in the terminal and open the address that it tells.";
};
document.getElementById("full").onclick = () => {
  if (document.fullscreenElement) document.exitFullscreen();
  else document.documentElement.requestFullscreen();
};
