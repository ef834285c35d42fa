import { connectLocal } from "@adaos/client";
