import { testImages } from './run-images.js';

testImages('docker');
