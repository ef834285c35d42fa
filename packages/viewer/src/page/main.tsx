import { render } from "preact";
import { App } from "./app/app.tsx";
import { takeTokenOfAddress } from "./app/token.ts";
import "./style/base.css";

takeTokenOfAddress();
const root = document.getElementById("app");
if (root !== null) render(<App />, root);
