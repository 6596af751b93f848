"""First names of many peoples in the Latin alphabet: a text small enough to learn in a minute.

Also reading a list of somebody's own: one name a line.
"""

from pathlib import Path
from unicodedata import category

MOST = 100
"""The most characters in a name."""
LEAST_NAMES = 20
"""Fewer leave nothing to hold out."""


def built_in() -> list[str]:
    """The names below, in alphabetical order."""
    return _NAMES.split()


def read_names(path: Path) -> list[str]:
    """The names in a file, one a line, without doubles, in the file's order.

    A byte order mark at its beginning is no letter. Raises ValueError where the file is no UTF-8
    text, a line is too long for a name or holds a control character, or there are too few names;
    OSError where it cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as problem:
        raise ValueError(f"{path} is not UTF-8 text ({problem}); save it as UTF-8") from problem
    names = list(dict.fromkeys(line.strip() for line in text.splitlines() if line.strip()))
    long = [name for name in names if len(name) > MOST]
    if long:
        raise ValueError(
            f"{path} has a line of {len(long[0])} characters; wanted one name, of at most {MOST}"
        )
    odd = next((letter for name in names for letter in name if category(letter) == "Cc"), None)
    if odd is not None:
        raise ValueError(
            f"{path} holds the control character {odd!r}; wanted plain text, one name a line"
        )
    if len(names) < LEAST_NAMES:
        raise ValueError(
            f"{path} holds {len(names)} different names; wanted {LEAST_NAMES} or more, one a line"
        )
    return names


_NAMES = """
aaliyah aarav abdul abebe abel abigail adaeze adam adel adele adira aditi adnan adrian
adriana afia agata agnes ahmad aiden aiko aimee aisha aisling ajay akemi akira aksel alan
alba albert alberto aldo alejandra alejandro aleksander alena alessandro alex alexander
alexandra alexis alfonso alfred ali alice alicia alina alison alma alvaro amadou amal
amanda amara amare amber amelia ami amina amir amit amos amy ana anand anastasia anders
andre andrea andreas andrei angel angela angelo angus anita anja anna annabel anneke anneli
annika ansel anthony antoine anton antonia antonio anwar anya aoife april arash archie ari
ariana ariel arjun arlo arman armando arne arnold artem arthur arturo arun arvid asha asher
ashley asim asli astrid athena atif aubrey audrey august augustin aurelia aurora austin ava
avery avi axel ayaan ayana aydin ayesha ayla aziz azra babak bahar balazs barbara barnaby
barry bart bashir basil bastian beata beatrice beatriz bella ben benedict benjamin bente
bernard bertha beth bianca bilal bjorn blake blanca bo bogdan boris boyd brad brandon
branka brenda brendan brian brianna bridget brigitte bruce bruno bryce bryn burak caleb
callum camila camille candice cara carina carl carla carlos carmen carol carolina caroline
carsten casey caspian cassandra catalina catherine cecil cecilia cedric celeste celia
celine cem cesar chandra chantal charles charlie charlotte chen chiara chidi chika chioma
chloe chris christian christina christopher ciara cillian claire clara clarissa claude
claudia clemens clement cleo clive clyde cody colin colleen connor conrad constance cora
cormac cornelia cosima craig cristian cristina curtis cynthia cyril cyrus dafydd dagmar
daisy dakota dalia damian damien dana dane daniel daniela danilo danny daphne dario darius
darren daud david davina dawit dean deborah declan deepa deirdre delia demetrius denise
dennis derek desmond devon diana didier diego dieter dimitri dina dinesh dirk dmitri
dolores dominic dominika donald donna dora doris dorothy douglas dragana drew duncan dylan
eamon earl ebba eddie eden edgar edith edmund edna eduardo edward edwin efe eileen einar
ekaterina elaine elani elena eleni eli elias elif elijah elin elisa elise eliza elizabeth
ella ellen elliot ellis elma elodie eloise elsa elvira elvis emanuel emil emilia emilio
emily emine emma emmanuel emmett emre enzo eren eric erica erik erika erin ernest esme
esperanza esra esteban esther ethan etienne eugene eunice eva evan evander evelyn everett
ewan ezra fabian fabio fadi faisal faith fanny farah farhad farid fatima fatou faye
federico felicia felix fergus fernanda fernando filip filippa finlay finn fiona flavia
flora florence florian frances francesca francis francisco franco frank franka franz
freddie frederick freja frida fritz fumiko gabriel gabriela gael gareth garrett gary
gaspard gavin gemma genevieve george georgia gerald geraldine gerard gerda gianna gideon
gilbert giles gina giorgio giovanni gisela giulia gloria goran gordon grace graham greta
gretchen guido guillermo gunnar gus gustav guy gwen habib hadi hadley haile haim hakan hala
haley hamid hamza hana hanna hannah hannes hans hari harold harper harriet harris harry
haruki haruto hassan hazel heath heather hector hedda heidi heinrich helen helena helga
henrik henry herbert herman hideo hilary hilda hina hiro holly homer hope horace hugh hugo
humberto hussein ian ibrahim ida idris ifeoma ignacio igor ike ilaria ilona ilse imani
imogen imran ina india indira ines inga ingrid ioana irene irina iris irma isaac isabel
isabella isadora isaiah ishaan isla ismael isolde ivan ivana ivo ivy izumi jack jackson
jacob jacqueline jade jafar jakub jamal james jamie jan jana jane janet janina jared jarek
jasmine jason jasper javier jay jean jelena jenna jennifer jens jeremy jerome jerzy jesse
jessica jette jill jim jin joan joanna joaquin joel johan johanna john jolanta jonas
jonathan jordan jorge jose josef joseph josephine joshua josie joy joyce juan juanita
judith judy jules julia julian juliana julie juliet julius jun june juno jurgen justin
justine kadir kai kaito kalina kamal kamila kane kara karen karim karin karl karla karsten
kasia kaspar kate katharina katherine katia katrin kaya kayla kazuo keanu keiko keith kelly
kelvin ken kendra kenji kenneth kenya kerem kerry kevin khadija khalid kiara kieran kim
kira kiran kirsten klara klaus knut kofi kofo kohei konrad kristen kristina kristof kurt
kwame kyle kylie kyra lachlan laila lakshmi lamar lana lance lara lars lasse latifa laura
laurel lauren laurence laurent lavinia layla lazar lea leah leandro leena leif leila lena
lenny leo leon leona leonardo leonid leonora leopold leroy leslie leszek leticia levi lewis
li liam lida lidia lili lilian lillian lily lina linda linnea linus lionel lior lisa livia
liza logan lois lola lorenzo loretta lotta lotte lou louis louisa louise luca lucas lucia
lucian lucille lucy ludmila ludwig luigi luis luisa luka lukas luke luna lydia lyle lynn
mabel maddox madeleine madison mads magda magdalena magnus mahmoud mai maia makena malak
malcolm malik malin malte mandla manuel manuela mara marc marcel marcela marcello marco
marcus margaret margarita margot maria mariam marian mariana marie marina mario marisol
marius marjorie mark marko marlene marlon marta martha martin martina marvin mary masako
mason massimo mateo mathilda matilda matteo matthew matthias maude maura maureen maurice
mauricio max maxim maximilian maxine maya mayumi megan mehmet mei melania melanie melissa
melvin mercedes meredith merlin meryem mia michael michal michelle miguel mika mikael
mikhail mila milan milana mildred miles milo mina mira miranda miriam mirko mitchell miyu
mohamed mohan molly mona monica monika monique montgomery morgan morris moses muhammad
murat muriel musa mustafa myra myriam nabil nadia nadine naima nan nancy naoko naomi narges
naseem nasir natalia natalie natasha nathan nathaniel navid neha neil nelly nelson nessa
nestor neville nia niamh nicholas nico nicola nicolas nicole niels nigel nika nikita niklas
nikolai nikos nils nina nisha noa noah noel noemi nora norbert norma norman nour nova nura
octavia odette ofelia oksana olaf ole oleg olga olive oliver olivia olof omar ondrej oona
ophelia oren orhan oriol orla orlando oscar oskar osman otis otto owen oya ozan pablo
paloma pamela paola paolo parisa parker parvati pascal patrice patricia patrick paul paula
paulina pavel pearl pedro peggy penelope percy perry petra petros peyton philip philippa
phoebe phyllis pia pierre pilar piotr piper polly portia prakash preston priscilla priya
qasim quentin quincy quinn rachel radka rafael raffaella rahul raisa raj ralph ramesh ramon
ramona rana randall randy rania raphael raquel rashid rasmus raul ravi ray raymond rebecca
reem regina reginald reiko remi rene renee reuben rex rhea rhiannon rhoda rhys ricardo
richard rick riley rita ritu river robert roberta roberto robin rocco rodrigo roger rohan
roland rolf roman romy ronald ronan rory rosa rosalind rosamund rose roselyn rosemary ross
roxana roy ruby rudolf rufus rupert russell ruth ryan ryo sabina sabrina sadia sadie said
sakura salim sally salma salman salome sam samantha samir samira samson samuel sandra
sandro sanjay santiago sara sarah sascha saskia satoshi savannah scarlett scott sean
sebastian selena selim selma serena serge sergei sergio seth seun severin shane shannon
sharon shaun sheila shelby shirin shirley shreya sibyl sid sidney siegfried sienna sigrid
silas silke silvia simon simone sina siobhan sky sofia sofie solange solomon sonia sonja
sophia sophie soren spencer stanislav stanley stefan stefania stella stephanie stephen
steven stuart sue sunita suresh susan susanna svea sven svetlana sybil sylvie tabitha
tadeusz takeshi talia tamar tamara tamsin tania tara tariq tatiana taylor ted teo teresa
tessa thabo thaddeus thalia thandi thea thelma theo theodor theresa thiago thomas thor
tilda tim timothy tina tobias toby todd tom tomas tomoko toni tony torsten tove tracy
trevor trinity tristan troy trudy tuan tuva tyler tyra tyrone ugo ulf ulrich ulrika uma
umar ursula uwe valentin valentina valeria vanessa vasco vasil vera verena vernon veronica
victor victoria vidar vijay vikram viktor vilma vincent viola violet virgil virginia vito
vivian viviana vladimir wade walid wallace walter wanda warren wayne wendy werner wesley
wilfred wilhelm willa william willow wilma winifred winona winston wolfgang wyatt xander
xavier xenia ximena yago yaman yann yannick yara yasmin yasser yelena yetunde yolanda yosef
youssef yuki yumi yuri yusuf yvette yvonne zachary zadie zahra zain zaira zara zelda zeynep
zina zita zoe zofia zoltan zora zuri zuzana
"""
