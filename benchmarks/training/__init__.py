"""`clc-tiny`: a multilingual model small enough to be trained and run on two CPU cores."""
