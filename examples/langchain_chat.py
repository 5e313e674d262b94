"""A voted chat model in a chain of LangChain.

python examples/langchain_chat.py
"""

from langchain_core.prompts import ChatPromptTemplate

from clc.serving.integrations.langchain import ChatClc

model = ChatClc(paths=11, languages=["en", "de", "zh"])
chain = ChatPromptTemplate.from_messages([("user", "{question}")]) | model
questions = [
    "Tom has 3 apples and buys 4 more. How many apples does Tom have?",
    "Lina hat 12 Murmeln und gibt 5 davon ab. Wie viele Murmeln hat Lina noch?",
]
for reply in chain.batch([{"question": question} for question in questions]):
    votes = reply.response_metadata["clc"]
    print(f"{votes['answer']}  {votes['support']:g} of {votes['total']:g}  {reply.content!r}")
model.close()
