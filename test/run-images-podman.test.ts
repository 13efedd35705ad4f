import { testImages } from './run-images.js';

testImages('podman');
